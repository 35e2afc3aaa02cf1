/**
 * Whether a commit should wait a moment for company. A sync costs the same for one entry as for twenty, so at
 * some thousand calls a second a millisecond of patience saves most of the work; at a few hundred, or when the
 * callers are all waiting already, it would only make them wait longer. Which of the two it is cannot be known
 * beforehand, so both ways are tried now and then, and the sizes of the commits they led to are compared.
 */

/** Below this many entries a commit there is no load; above the other, company enough. */
const fewEntries = 3
const enoughEntries = 24
/** Waiting must make commits this much larger, or it is not worth its delay. */
const worthwhileGain = 1.5
/** Every so many commits the other way is tried once. */
const commitsPerTrial = 32

export class Gathering {
  #sizeAtOnce = 0
  #sizeAfterWaiting = 0
  #commits = 0

  /** Whether to wait before the next commit, while `waiting` entries are there already. */
  shouldWait(waiting: number): boolean {
    if (waiting >= enoughEntries || this.#sizeAtOnce < fewEntries) return false
    const isWorthwhile = this.#sizeAfterWaiting >= this.#sizeAtOnce * worthwhileGain
    return this.#commits % commitsPerTrial === 0 ? !isWorthwhile : isWorthwhile
  }

  /** Tells how many entries a commit held. */
  learn(size: number, hadWaited: boolean): void {
    this.#commits++
    if (hadWaited) this.#sizeAfterWaiting += (size - this.#sizeAfterWaiting) / 4
    else this.#sizeAtOnce += (size - this.#sizeAtOnce) / 4
  }
}
