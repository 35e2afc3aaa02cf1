/** A line of the table: what a document asks of an authorization server or of a server with a token, and how it is tried. */
import type { World } from './world.ts'

export interface Requirement {
  /** Document and section. */
  readonly where: string
  /** What it says, in a few words. */
  readonly must: string
  /** What is tried instead. */
  readonly attempt: string
  /** Goes through: the attack is this with one thing changed. Throws when it does not. */
  honest(world: World): Promise<void>
  /** Throws unless it is refused. */
  attack(world: World): Promise<void>
}
