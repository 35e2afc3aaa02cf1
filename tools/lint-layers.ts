/** Three rules for oxlint that keep the layers of ARCHITECTURE.md. What is allowed is said in layers.ts. */
import path from 'node:path'
import type { RuleTester } from 'oxlint/plugins-dev'
import { ambientFault, importFault, permitFault } from './layers.ts'

type Rule = Parameters<RuleTester['run']>[1]
type Context = Parameters<Extract<Rule, { createOnce: unknown }>['createOnce']>[0]
interface Specifier {
  readonly type: string
  readonly imported?: unknown
  readonly local?: unknown
}
/** What is read of a syntax node; the optional members are those of imports and re-exports. */
interface Syntax {
  readonly type: string
  readonly source?: unknown
  readonly importKind?: string
  readonly exportKind?: string
  readonly specifiers?: readonly Specifier[]
  start: number
  end: number
  range: [number, number]
}

const worldly = ['process', 'globalThis', 'fetch', 'WebSocket', 'EventSource', 'performance', 'navigator']
const random = /^(crypto\.)?(random(Bytes|UUID|UUIDv7|Int|Fill|FillSync)|getRandomValues|webcrypto)$/

function fileOf(context: Context): string {
  return path.relative(context.cwd, context.filename).replaceAll(path.sep, '/')
}

function onImport(check: (node: Syntax, specifier: string) => void) {
  const visit = (node: Syntax) => {
    const specifier = (node.source as { value?: unknown } | null | undefined)?.value
    if (typeof specifier === 'string') check(node, specifier)
  }
  const declarations = {
    ImportDeclaration: visit,
    ExportNamedDeclaration: visit,
    ExportAllDeclaration: visit,
  }
  return { ...declarations, ImportExpression: visit, TSImportType: visit }
}

/** Names of the values taken from the module; `*` when that is all of them, none when only types are. */
function valuesOf(node: Syntax): string[] {
  if (node.type === 'TSImportType' || (node.importKind ?? node.exportKind) === 'type') return []
  if (node.specifiers === undefined || node.specifiers.length === 0) return ['*']
  return node.specifiers.map(({ imported, local, type }) => {
    const name = (type === 'ExportSpecifier' ? local : imported) as { name?: string } | undefined
    return name?.name ?? '*'
  })
}

const imports: Rule = {
  create: (context) =>
    onImport((node, specifier) => {
      const message = importFault(fileOf(context), specifier, valuesOf(node))
      if (message !== undefined) context.report({ message, node })
    }),
}

const permit: Rule = {
  create: (context) =>
    onImport((node, specifier) => {
      if (!specifier.endsWith('/permit.ts')) return
      const message = permitFault(fileOf(context))
      const mints = valuesOf(node).some((name) => name === 'mintPermit' || name === '*')
      if (message !== undefined && mints) context.report({ message, node })
    }),
}

const ambient: Rule = {
  create(context) {
    const report = (thing: string, node: Syntax) => {
      const message = ambientFault(fileOf(context), thing)
      if (message !== undefined) context.report({ message, node })
    }
    return {
      ...onImport((node, specifier) => {
        const name = valuesOf(node).find((each) => random.test(each))
        if (name !== undefined && /^(node:)?crypto$/.test(specifier)) report(name, node)
      }),
      Identifier(node) {
        if (worldly.includes(node.name) && context.sourceCode.isGlobalReference(node)) report(node.name, node)
      },
      MemberExpression(node) {
        const text = context.sourceCode.getText(node)
        if (text === 'Date.now' || text === 'Math.random' || random.test(text)) report(text, node)
      },
      'NewExpression[callee.name="Date"][arguments.length=0]': (node: Syntax) => report('new Date()', node),
    }
  },
}

export default { meta: { name: 'layers' }, rules: { imports, permit, ambient } }
