// Policies and templates from Cedar's JSON form. Whatever is not understood is an error with its place in the JSON, also
// members that the official engine would ignore.

import { expressionFromNode } from './est-expression.ts'
import { withJson } from './json.ts'
import type { JsonNode } from './json.ts'
import { failAt, fieldsOf, itemsOf, membersOf, textOf } from './json-access.ts'
import { slotsOf } from '../text/parse-scope.ts'
import type { Result, Source } from '../policy/result.ts'
import { isActionType } from '../values/entity.ts'
import type { Condition, Constraint, Effect, Policy, Scope, ScopeEntity } from '../policy/syntax.ts'
import { entityFromNode, typeFromNode } from './value-json.ts'

export interface JsonOptions {
  /** Named in errors and positions. */
  readonly file?: string
}

/** Reads one policy or template from its JSON text. Never throws. Positions, also at run time, are in the JSON. */
export function policyFromJson(json: string, id: string, options: JsonOptions = {}): Result<Policy> {
  return withJson(json, options.file ?? 'policy.json', (root, source) => policyFromNode(root, id, source))
}

export function policyFromNode(node: JsonNode, id: string, source: Source): Policy {
  if (id === '') failAt(node, 'a policy needs an id that is not empty')
  const required = ['effect', 'principal', 'action', 'resource', 'conditions'] as const
  const parts = fieldsOf(node, 'a policy', required, ['annotations'])
  const scope: Scope = {
    principal: partyFromNode(parts.principal, 'principal'),
    action: actionFromNode(parts.action),
    resource: partyFromNode(parts.resource, 'resource'),
  }
  return Object.freeze({
    id,
    effect: effectFromNode(parts.effect),
    annotations: annotationsFromNode(parts.annotations),
    scope,
    conditions: itemsOf(parts.conditions, '"conditions"').map(conditionFromNode),
    position: source.locate(node.at),
    text: source.text.slice(node.at, node.end),
    source,
    slots: slotsOf(scope),
  })
}

function effectFromNode(node: JsonNode): Effect {
  const effect = textOf(node, '"effect"')
  if (effect !== 'permit' && effect !== 'forbid') failAt(node, '"effect" must be "permit" or "forbid"')
  return effect
}

/** Annotations of a policy or of a schema's declaration. One without a text is `null` or empty. */
export function annotationsFromNode(node: JsonNode | undefined): ReadonlyMap<string, string> {
  const annotations = new Map<string, string>()
  if (node === undefined) return annotations
  for (const [name, value] of membersOf(node, '"annotations"')) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      failAt(value, `${JSON.stringify(name)} cannot name an annotation`)
    }
    annotations.set(name, value.kind === 'null' ? '' : textOf(value, `@${name}`))
  }
  return annotations
}

function conditionFromNode(node: JsonNode): Condition {
  const { kind, body } = fieldsOf(node, 'a condition', ['kind', 'body'])
  const word = textOf(kind, '"kind"')
  if (word !== 'when' && word !== 'unless') failAt(kind, '"kind" must be "when" or "unless"')
  return { kind: word, expression: expressionFromNode(body) }
}

function partyFromNode(node: JsonNode, who: 'principal' | 'resource'): Constraint {
  const what = `"${who}"`
  const operator = operatorOf(node, what)
  switch (operator) {
    case 'All':
      fieldsOf(node, what, ['op'])
      return { op: 'any' }
    case '==':
      return { op: '==', entity: targetFromNode(node, who, ['op']) }
    case 'in':
      return { op: 'in', entities: [targetFromNode(node, who, ['op'])] }
    case 'is': {
      const { entity_type, in: container } = fieldsOf(node, what, ['op', 'entity_type'], ['in'])
      const type = typeFromNode(entity_type)
      if (container === undefined) return { op: 'is', type }
      return { op: 'is', type, in: targetFromNode(container, who, []) }
    }
    default:
      return failAt(node, `${what} cannot have the operator ${JSON.stringify(operator)}`)
  }
}

/** The entity or the slot that a constraint names, besides the members `others`. */
function targetFromNode(
  node: JsonNode,
  who: 'principal' | 'resource',
  others: readonly ('op' | 'entity_type')[],
): ScopeEntity {
  const { entity, slot } = fieldsOf(node, `"${who}"`, others, ['entity', 'slot'])
  if ((entity === undefined) === (slot === undefined)) failAt(node, `"${who}" needs "entity" or "slot"`)
  if (slot === undefined) return entityFromNode(entity ?? node)
  return textOf(slot, '"slot"') === `?${who}` ? { slot: who } : failAt(slot, `only ?${who} may stand here`)
}

function actionFromNode(node: JsonNode): Constraint {
  const operator = operatorOf(node, '"action"')
  switch (operator) {
    case 'All':
      fieldsOf(node, '"action"', ['op'])
      return { op: 'any' }
    case '==':
      return { op: '==', entity: actionEntity(fieldsOf(node, '"action"', ['op', 'entity']).entity) }
    case 'in': {
      const { entity, entities } = fieldsOf(node, '"action"', ['op'], ['entity', 'entities'])
      if ((entity === undefined) === (entities === undefined)) {
        failAt(node, '"action" needs "entity" or "entities"')
      }
      const list = entity === undefined ? itemsOf(entities ?? node, '"entities"') : [entity]
      return { op: 'in', entities: list.map(actionEntity) }
    }
    default:
      return failAt(node, `"action" cannot have the operator ${JSON.stringify(operator)}`)
  }
}

function actionEntity(node: JsonNode): ScopeEntity {
  const entity = entityFromNode(node)
  return isActionType(entity.type) ? entity : failAt(node, `${entity.uid} is not of type Action`)
}

function operatorOf(node: JsonNode, what: string): string {
  const operator = membersOf(node, what).get('op')
  return operator === undefined ? failAt(node, `${what} needs "op"`) : textOf(operator, '"op"')
}
