/** What the schema leaves open, and the sentences for it. */
import type { ToolDefinition, ToolNote } from '@tollgate/cedar'
import { isExtensionMethod, OPEN_INPUTS } from './base-schema.ts'
import { fullName } from './query.ts'

/** What cannot be checked, or not surely, in the policies about a server. */
export interface SchemaNote {
  readonly server: string
  /** The full name, when it is about one tool; `path` leads from its input to what is meant. */
  readonly tool?: string
  readonly path?: readonly string[]
  /** `unchecked`: policies are taken at their word. `narrowed`: a call may send what its type does not allow. */
  readonly kind: ToolNote['kind']
  /** A sentence without its full stop. */
  readonly message: string
}

/** The notes about a server's tools; of tools that are not known, that they are not. */
export function notesOf(
  server: string,
  tools: readonly ToolDefinition[] | undefined,
  notes: readonly ToolNote[],
): readonly SchemaNote[] {
  if (tools === undefined) {
    const message = `the tools of ${server} are not known: the arguments that policies read of them are taken for granted`
    return [{ server, kind: 'unchecked', message }]
  }
  const names = new Set(tools.map(({ name }) => fullName(server, name)))
  return notes
    .filter(({ tool }) => names.has(tool))
    .map(({ tool, path, kind, message }) => {
      return { server, tool, path, kind, message: `${inputText(path)} of ${tool} ${message}` }
    })
}

/** Why the context of an action may have what the schema lacks; undefined when it does not. */
export function whyUnknown(
  action: string,
  [first, ...path]: readonly string[],
  notes: readonly ToolNote[],
): string | undefined {
  if (first !== 'input') return undefined
  if (isExtensionMethod(action)) return 'is the method of an extension, of which nothing is known'
  const note = notes.find(({ tool, kind, path: noted }) => {
    return tool === action && kind === 'unchecked' && noted.every((step, at) => path[at] === step)
  })
  if (note === undefined) return OPEN_INPUTS.get(action)
  return note.path.length === 0
    ? `has an input that ${note.message}`
    : `has ${inputText(note.path)}, which ${note.message}`
}

/** `input.filter`, `input["two words"]`; the elements of an array are `[]`. */
function inputText(path: readonly string[]): string {
  const steps = path.map((name) => {
    if (name === '[]') return name
    return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
  })
  return `input${steps.join('')}`
}
