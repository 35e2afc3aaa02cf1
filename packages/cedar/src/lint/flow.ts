// Follows an expression in the order of its evaluation, with what is known of types and of what was tested before: which
// attributes are read that may be absent, which comparisons can never hold. Cedar's own validation works like this
// (typing rules of the language specification); this knows more about negations and takes no offence at anything else.

import { constantOf } from '../compile/constant.ts'
import type { BinaryOperator, Expression, Variable } from '../policy/syntax.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { canonical } from '../values/values.ts'
import { attributeKey, both, common, keyOf, NO_GUARDS, tagKey } from './guards.ts'
import type { Guards } from './guards.ts'
import { areDisjoint, BOOLEAN, join, LONG, STRING } from './type.ts'
import type { Member, Type } from './type.ts'

/** What the surroundings of an expression tell of it. */
export interface Surroundings {
  typeOf(variable: Variable): Type
  /** The attributes of an entity type; undefined when nobody knows. */
  attributesOf(entityType: string): ReadonlyMap<string, Member> | undefined
  /** What every tag of an entity type is; null when it has none, undefined when nobody knows. */
  tagsOf(entityType: string): Type | null | undefined
  /** Whether `in` holds for an expression and its container, where that is sure. */
  isIn(
    left: Expression,
    right: Expression,
    types: readonly [Type | undefined, Type | undefined],
  ): boolean | undefined
  /** Whether an expression is equal to another, where the surroundings know values. */
  isEqual(left: Expression, right: Expression): boolean | undefined
  /** Whether an attribute or tag of a type nobody knows has to be counted as one that may be absent. */
  isDoubtful(key: string): boolean
}

/** An attribute or a tag is read. */
export interface Read {
  readonly expression: Extract<Expression, { kind: 'attribute' | 'binary' }>
  /** Stands for what is read. */
  readonly key: string
  /** Of the entity or record that it is read from. */
  readonly type: Type | undefined
  readonly isThere: 'surely' | 'perhaps' | 'never'
}

export interface Observer {
  readonly read: (read: Read) => void
  /** Two values are compared, or one is looked for among others. */
  readonly compared: (expression: Expression, left: Type | undefined, right: Type | undefined) => void
}

export interface Fact {
  readonly type: Type | undefined
  /** What it comes to, where that is sure. */
  readonly truth: boolean | undefined
  /** What is there if it came to true, and if it came to false. */
  readonly ifTrue: Guards
  readonly ifFalse: Guards
}

const NOTHING: Fact = { type: undefined, truth: undefined, ifTrue: NO_GUARDS, ifFalse: NO_GUARDS }
const SOME_BOOLEAN: Fact = { ...NOTHING, type: BOOLEAN }
const TRUE: Fact = { ...SOME_BOOLEAN, truth: true }
const FALSE: Fact = { ...SOME_BOOLEAN, truth: false }

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

export class Flow {
  readonly #surroundings: Surroundings
  readonly #observer: Observer

  constructor(surroundings: Surroundings, observer: Observer) {
    this.#surroundings = surroundings
    this.#observer = observer
  }

  /** What is known of an expression that is evaluated where some things are known to be there. */
  follow(expression: Expression, known: Guards): Fact {
    switch (expression.kind) {
      case 'boolean':
        return truth(expression.value)
      case 'string':
        return typed(STRING)
      case 'long':
        return typed(LONG)
      case 'entity':
        return typed({ kind: 'entity', type: expression.entity.type })
      case 'variable':
        return typed(this.#surroundings.typeOf(expression.name))
      case 'not':
        return inverted(this.follow(expression.operand, known))
      case 'negate':
        this.follow(expression.operand, known)
        return typed(LONG)
      case 'and':
        return this.#all(expression.operands, known)
      case 'or':
        // Or is the negation of a conjunction of negations, also in what it evaluates.
        return inverted(this.#all(expression.operands, known, inverted))
      case 'if':
        return this.#if(expression, known)
      case 'attribute':
        return this.#attribute(expression, known)
      case 'has':
        return this.#has(expression, known)
      case 'is':
        return this.#is(expression, known)
      case 'binary':
        return this.#binary(expression, known)
      case 'isEmpty':
        this.follow(expression.operand, known)
        return SOME_BOOLEAN
      case 'like':
        this.follow(expression.subject, known)
        return SOME_BOOLEAN
      case 'set':
        return this.#set(expression, known)
      case 'record':
        return this.#record(expression, known)
      case 'call':
        for (const argument of expression.arguments) this.follow(argument, known)
        return typed(resultOf(expression.name))
    }
  }

  /** The conjunction, each operand evaluated where those before it were true. */
  #all(operands: readonly Expression[], known: Guards, sense: (fact: Fact) => Fact = same): Fact {
    const proved = new Set<string>()
    const within = new Set(known)
    /** What is there whichever operand came to false. */
    let ifFalse: Guards | undefined
    for (const operand of operands) {
      const fact = sense(this.follow(operand, within))
      if (fact.truth !== true) {
        ifFalse =
          ifFalse === undefined
            ? new Set([...proved, ...fact.ifFalse])
            : new Set([...ifFalse].filter((key) => proved.has(key) || fact.ifFalse.has(key)))
        if (fact.truth === false) return { ...FALSE, ifFalse }
      }
      for (const key of fact.ifTrue) {
        proved.add(key)
        within.add(key)
      }
    }
    return {
      type: BOOLEAN,
      truth: ifFalse === undefined ? true : undefined,
      ifTrue: proved,
      ifFalse: ifFalse ?? NO_GUARDS,
    }
  }

  #if(expression: Of<'if'>, known: Guards): Fact {
    const test = this.follow(expression.condition, known)
    const branch = (to: Expression, proved: Guards): Fact => {
      const fact = this.follow(to, both(known, proved))
      return { ...fact, ifTrue: both(proved, fact.ifTrue), ifFalse: both(proved, fact.ifFalse) }
    }
    if (test.truth === true) return branch(expression.then, test.ifTrue)
    if (test.truth === false) return branch(expression.else, test.ifFalse)
    const then = branch(expression.then, test.ifTrue)
    const otherwise = branch(expression.else, test.ifFalse)
    return {
      type: join(then.type, otherwise.type),
      truth: then.truth === otherwise.truth ? then.truth : undefined,
      ifTrue: proofs(then, otherwise, 'ifTrue', false),
      ifFalse: proofs(then, otherwise, 'ifFalse', true),
    }
  }

  #attribute(expression: Of<'attribute'>, known: Guards): Fact {
    const { type } = this.follow(expression.object, known)
    const key = keyOf(expression)
    const member = this.#member(type, expression.name, key)
    const isSure = member?.required === true || known.has(key)
    const isThere = member === undefined ? 'never' : isSure ? 'surely' : 'perhaps'
    this.#observer.read({ expression, key, type, isThere })
    return typed(member?.type)
  }

  /** Undefined when there is no such attribute. */
  #member(type: Type | undefined, name: string, key: string): Member | undefined {
    const members =
      type?.kind === 'record'
        ? type.members
        : type?.kind === 'entity' && type.type !== undefined
          ? this.#surroundings.attributesOf(type.type)
          : undefined
    if (members !== undefined) return members.get(name)
    return { type: undefined, required: !this.#surroundings.isDoubtful(key) }
  }

  #has({ object, path }: Of<'has'>, known: Guards): Fact {
    let { type } = this.follow(object, known)
    let key = keyOf(object)
    const tested = new Set<string>()
    let isSure = true
    for (const name of path) {
      key = attributeKey(key, name)
      const member = this.#member(type, name, key)
      if (member === undefined) return FALSE
      // An entity that nobody knows has not even what all of its type must have.
      const isThere =
        known.has(key) || (member.required && type?.kind === 'record' && type.members !== undefined)
      isSure &&= isThere
      tested.add(key)
      ;({ type } = member)
    }
    return { ...(isSure ? TRUE : SOME_BOOLEAN), ifTrue: tested }
  }

  #is({ subject, type, in: container }: Of<'is'>, known: Guards): Fact {
    const fact = this.follow(subject, known)
    const own = fact.type?.kind === 'entity' ? fact.type.type : undefined
    if (own !== undefined && own !== type) return FALSE
    if (container === undefined) return own === undefined ? SOME_BOOLEAN : TRUE
    const within = this.follow(container, known)
    const isWithin = this.#surroundings.isIn(subject, container, [fact.type, within.type])
    return own === undefined && isWithin === true ? SOME_BOOLEAN : truth(isWithin)
  }

  #binary(expression: Of<'binary'>, known: Guards): Fact {
    const { operator, left, right } = expression
    const a = this.follow(left, known).type
    const b = this.follow(right, known).type
    switch (operator) {
      case '==':
      case '!=': {
        this.#observer.compared(expression, a, b)
        const equal = areDisjoint(a, b) ? false : this.#areEqual(left, right)
        return truth(equal === undefined ? undefined : equal === (operator === '=='))
      }
      case 'contains':
        if (a?.kind === 'set') this.#observer.compared(expression, a.element, b)
        return SOME_BOOLEAN
      case 'containsAll':
      case 'containsAny':
        if (a?.kind === 'set' && b?.kind === 'set') this.#observer.compared(expression, a.element, b.element)
        return SOME_BOOLEAN
      case 'in':
        return truth(this.#surroundings.isIn(left, right, [a, b]))
      case 'hasTag':
        return this.#hasTag(left, right, a, known)
      case 'getTag':
        return this.#getTag(expression, a, known)
      default:
        return typed(COMPARISONS.has(operator) ? BOOLEAN : LONG)
    }
  }

  #areEqual(left: Expression, right: Expression): boolean | undefined {
    const known = this.#surroundings.isEqual(left, right)
    if (known !== undefined) return known
    const [a, b] = [constantOf(left), constantOf(right)]
    return a === undefined || b === undefined ? undefined : canonical(a) === canonical(b)
  }

  #hasTag(entity: Expression, name: Expression, type: Type | undefined, known: Guards): Fact {
    if (this.#tags(type) === null) return FALSE
    const key = tagKey(keyOf(entity), keyOf(name))
    return { ...(known.has(key) ? TRUE : SOME_BOOLEAN), ifTrue: new Set([key]) }
  }

  #getTag(expression: Of<'binary'>, type: Type | undefined, known: Guards): Fact {
    const key = tagKey(keyOf(expression.left), keyOf(expression.right))
    const tags = this.#tags(type)
    const isDoubtful = tags !== undefined || this.#surroundings.isDoubtful(key)
    const isThere = tags === null ? 'never' : isDoubtful && !known.has(key) ? 'perhaps' : 'surely'
    this.#observer.read({ expression, key, type, isThere })
    return typed(tags ?? undefined)
  }

  #tags(type: Type | undefined): Type | null | undefined {
    return type?.kind === 'entity' && type.type !== undefined
      ? this.#surroundings.tagsOf(type.type)
      : undefined
  }

  #set({ elements }: Of<'set'>, known: Guards): Fact {
    const types = elements.map((element) => this.follow(element, known).type)
    const element = types.length === 0 ? undefined : types.reduce(join)
    return typed({ kind: 'set', element })
  }

  #record({ members }: Of<'record'>, known: Guards): Fact {
    const types = members.map(
      ({ name, value }) => [name, { type: this.follow(value, known).type, required: true }] as const,
    )
    return typed({ kind: 'record', members: new Map(types) })
  }
}

const COMPARISONS: ReadonlySet<BinaryOperator> = new Set<BinaryOperator>(['<', '<=', '>', '>='])

const RESULTS: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['decimal', { kind: 'extension', name: 'decimal' }],
  ['ip', { kind: 'extension', name: 'ipaddr' }],
  ['datetime', { kind: 'extension', name: 'datetime' }],
  ['offset', { kind: 'extension', name: 'datetime' }],
  ['toDate', { kind: 'extension', name: 'datetime' }],
  ['duration', { kind: 'extension', name: 'duration' }],
  ['durationSince', { kind: 'extension', name: 'duration' }],
  ['toTime', { kind: 'extension', name: 'duration' }],
])

function resultOf(call: string): Type {
  return RESULTS.get(call) ?? (EXTENSIONS.get(call)?.returnsBoolean === true ? BOOLEAN : LONG)
}

function typed(type: Type | undefined): Fact {
  return { ...NOTHING, type }
}

function truth(value: boolean | undefined): Fact {
  return value === undefined ? SOME_BOOLEAN : value ? TRUE : FALSE
}

function same(fact: Fact): Fact {
  return fact
}

/** What is proved by an outcome of one of two expressions, of which one may be known never to have it. */
function proofs(a: Fact, b: Fact, outcome: 'ifTrue' | 'ifFalse', without: boolean): Guards {
  if (a.truth === without) return b[outcome]
  return b.truth === without ? a[outcome] : common(a[outcome], b[outcome])
}

function inverted({ truth: value, ifTrue, ifFalse }: Fact): Fact {
  return {
    type: BOOLEAN,
    truth: value === undefined ? undefined : !value,
    ifTrue: ifFalse,
    ifFalse: ifTrue,
  }
}
