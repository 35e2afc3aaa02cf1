// The generated text of one policy's conditions, with its constants and attribute names set apart. In the text, `K` are
// the constants, `N0`, `N1` … the accessors of attributes, `E` the evaluation, `p`, `a`, `r`, `c` the four variables.

import { constantOf } from './constant.ts'
import { Entity } from '../values/entity.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { RETURNS_BOOLEAN } from './operations.ts'
import { OPERATOR_NAMES } from './runtime.ts'
import { isPath } from './walk.ts'
import type { Expression, Pattern, Variable } from '../policy/syntax.ts'

/** A piece of generated text and what is known of the type of its value. */
interface Code {
  readonly text: string
  readonly type: 'boolean' | 'string' | 'long' | 'entity' | 'context' | 'unknown'
}

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

const VARIABLES: { readonly [name in Variable]: Code } = {
  principal: { text: 'p', type: 'entity' },
  action: { text: 'a', type: 'entity' },
  resource: { text: 'r', type: 'entity' },
  context: { text: 'c', type: 'context' },
}
const PRIMITIVE: ReadonlySet<Code['type']> = new Set(['boolean', 'string', 'long'] as const)
const GETTERS = { context: 'record', entity: 'entity' } as const
const TESTERS = { context: 'inRecord', entity: 'inEntity' } as const

export class Shape {
  /** Attribute names, in the order of their accessors. */
  readonly names: string[] = []
  readonly constants: unknown[] = []

  /** Text for a value that must be a boolean. */
  boolean(expression: Expression): string {
    return demand('boolean', 'asBoolean', this.#code(expression))
  }

  #code(expression: Expression): Code {
    const constant = constantOf(expression)
    if (constant !== undefined) return this.#literal(constant)
    switch (expression.kind) {
      case 'variable':
        return VARIABLES[expression.name]
      case 'not':
        return boolean(`!${this.boolean(expression.operand)}`)
      case 'negate':
        return { text: `negate(${this.#text(expression.operand)})`, type: 'long' }
      case 'isEmpty':
        return boolean(`asSet(${this.#text(expression.operand)}).isEmpty()`)
      case 'and':
      case 'or': {
        const operator = expression.kind === 'and' ? '&&' : '||'
        return boolean(`(${expression.operands.map((operand) => this.boolean(operand)).join(operator)})`)
      }
      case 'binary':
        return this.#binary(expression)
      case 'if':
        return this.#if(expression)
      case 'attribute':
        return this.#attribute(this.#code(expression.object), expression.name)
      case 'has':
        return this.#has(expression)
      case 'like':
        return this.#like(expression.subject, expression.pattern)
      case 'is':
        return this.#is(expression)
      case 'set':
        return unknown(`set([${expression.elements.map((element) => this.#text(element)).join(',')}])`)
      case 'record': {
        const parts = expression.members.map(({ name, value }) => `${this.#hoist(name)},${this.#text(value)}`)
        return unknown(`record([${parts.join(',')}])`)
      }
      case 'call':
        return this.#call(expression)
      default:
        throw new Error(`a ${expression.kind} that is not constant`)
    }
  }

  #text(expression: Expression): string {
    return this.#code(expression).text
  }

  #hoist(constant: unknown): string {
    return `K[${this.constants.push(constant) - 1}]`
  }

  #literal(constant: unknown): Code {
    if (typeof constant === 'boolean') return boolean(String(constant))
    const text = this.#hoist(constant)
    if (typeof constant === 'string') return { text, type: 'string' }
    if (typeof constant !== 'object') return { text, type: 'long' }
    return constant instanceof Entity ? { text, type: 'entity' } : unknown(text)
  }

  #accessor(name: string): string {
    const known = this.names.indexOf(name)
    return `N${known < 0 ? this.names.push(name) - 1 : known}`
  }

  #attribute(object: Code, name: string): Code {
    const getter = object.type === 'context' || object.type === 'entity' ? GETTERS[object.type] : 'value'
    return unknown(`${this.#accessor(name)}.${getter}(${object.text},E)`)
  }

  #hasOne(object: Code, name: string): string {
    const tester = object.type === 'context' || object.type === 'entity' ? TESTERS[object.type] : 'inValue'
    return `${this.#accessor(name)}.${tester}(${object.text},E)`
  }

  #has({ object, path }: Of<'has'>): Code {
    let code = this.#code(object)
    if (path.length > 1 && !isPath(object)) return boolean(`hasPath(${code.text},${this.#hoist(path)},E)`)
    const tests: string[] = []
    for (const name of path) {
      tests.push(this.#hasOne(code, name))
      code = this.#attribute(code, name)
    }
    return boolean(tests.length === 1 ? tests.join() : `(${tests.join('&&')})`)
  }

  #binary({ operator, left, right }: Of<'binary'>): Code {
    const a = this.#code(left)
    const b = this.#code(right)
    if (operator === '==' || operator === '!=') {
      if (a.type === 'entity' && b.type === 'entity')
        return boolean(`(${a.text}.uid${operator}=${b.text}.uid)`)
      // Values of different types are unequal, so one known primitive is enough.
      if (PRIMITIVE.has(a.type) || PRIMITIVE.has(b.type)) return boolean(`(${a.text}${operator}=${b.text})`)
    }
    const text = `${OPERATOR_NAMES[operator]}(${a.text},${b.text},E)`
    if (RETURNS_BOOLEAN.has(operator)) return boolean(text)
    return operator === 'getTag' ? unknown(text) : { text, type: 'long' }
  }

  #if({ condition, then, else: otherwise }: Of<'if'>): Code {
    const test = this.boolean(condition)
    const a = this.#code(then)
    const b = this.#code(otherwise)
    return { text: `(${test}?${a.text}:${b.text})`, type: a.type === b.type ? a.type : 'unknown' }
  }

  #like(subject: Expression, pattern: Pattern): Code {
    const text = demand('string', 'asString', this.#code(subject))
    const [first = '', second = '', third] = pattern
    if (pattern.length === 1) return boolean(`(${text}===${this.#hoist(first)})`)
    if (pattern.length === 2 && second === '') return boolean(`${text}.startsWith(${this.#hoist(first)})`)
    if (pattern.length === 2 && first === '') return boolean(`${text}.endsWith(${this.#hoist(second)})`)
    if (pattern.length === 3 && first === '' && third === '') {
      return boolean(`${text}.includes(${this.#hoist(second)})`)
    }
    return boolean(`like(${text},${this.#hoist(pattern)})`)
  }

  #is({ subject, type, in: container }: Of<'is'>): Code {
    const code = this.#text(subject)
    const hoisted = this.#hoist(type)
    if (container === undefined) return boolean(`isType(${code},${hoisted})`)
    return boolean(`isTypeIn(${code},${hoisted},()=>${this.#text(container)},E)`)
  }

  #call({ name, arguments: list }: Of<'call'>): Code {
    const extension = EXTENSIONS.get(name)
    const texts = list.map((argument) => this.#text(argument))
    if (extension?.arity !== texts.length)
      return unknown(`wrongArity(${[this.#hoist(name), ...texts].join(',')})`)
    const text = `extension_${name}(${texts.join(',')})`
    return extension.returnsBoolean ? boolean(text) : unknown(text)
  }
}

function boolean(text: string): Code {
  return { text, type: 'boolean' }
}

function unknown(text: string): Code {
  return { text, type: 'unknown' }
}

function demand(type: Code['type'], check: string, code: Code): string {
  return code.type === type ? code.text : `${check}(${code.text})`
}
