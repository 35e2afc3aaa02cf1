/** The `tollgate` program. */
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'
import { EXIT, say } from './terminal.ts'

// Whoever reads our output may stop early, as `head` does; that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.ok)
})

try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  // Commander has said what is wrong by now. Its 1 means a mistake in the command line, which is 2 here.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  const { code, message, stack } = error as NodeJS.ErrnoException
  // A broken environment is told in a sentence; anything else is a bug, and wants a stack.
  say(`tollgate: ${code === undefined ? stack : message}`)
  return EXIT.failed
}
