// @tollgate/cedar: the Cedar policy language. Text to syntax tree to compiled set to decision; no I/O, no clock.

export { compile } from './compile.ts'
export type { PolicySet } from './compile.ts'
export { couldApply } from './could-apply.ts'
export type { ScopeQuery } from './could-apply.ts'
export {
  Datetime,
  datetimeFromMs,
  Duration,
  durationFromMs,
  parseDatetime,
  parseDuration,
} from './datetime.ts'
export { decide } from './decide.ts'
export type { Decision, EvaluationError } from './decide.ts'
export type { Request } from './evaluation.ts'
export { Decimal, parseDecimal } from './decimal.ts'
export { Entity, entity, reference } from './entity.ts'
export type { EntityData, EntityStore } from './entity.ts'
export { IpAddress, parseIp } from './ip.ts'
export { parsePolicies } from './parse.ts'
export type { ParseOptions } from './parse.ts'
export { decidePartial } from './partial.ts'
export type { PartialDecision, PartialOptions } from './partial.ts'
export type { PolicyError, Position, Result, Source } from './result.ts'
export type * from './syntax.ts'
export { link } from './template.ts'
export type { SlotValues } from './template.ts'
export { CedarSet, isRecord, plain, set } from './values.ts'
export type { RecordValue, Value } from './values.ts'
export { childrenOf, contextMembers } from './walk.ts'
