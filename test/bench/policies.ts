/**
 * A thousand policies as an organisation has them: permits by user, by group and by server, most with a condition
 * on the arguments, and forbids that watch single tools. Of all these, seven concern the call that is measured.
 */
import { SERVER, TOOL } from './request.ts'

/** The principal whose key the load generator holds. */
export const PRINCIPAL = 'alice'

/** What `policies=0` means: something must permit the call. */
export const PERMIT_ALL = '@id("all") permit (principal, action, resource);'

const call = `action == Action::"${SERVER}__${TOOL}"`
const here = `resource in Server::"${SERVER}"`

/** The ones that are candidates for the call; the first two permit it. */
const concerning = [
  `@id("alice-weather") permit (principal == User::"${PRINCIPAL}", ${call}, resource)
   when { context.input.days <= 7 && context.input.city like "Z*" };`,
  `@id("weather-for-all") permit (principal, ${call}, resource) when { ["metric", "imperial"].contains(context.input.units) };`,
  `@id("no-atlantis") forbid (principal, ${call}, resource) when { context.input.city like "*Atlantis*" };`,
  `@id("no-long-forecasts") forbid (principal, ${call}, resource) when { context.input has days && context.input.days > 14 };`,
  `@id("destructive-needs-a-person") @remedy("approval") forbid (principal, action in Action::"tools/call", ${here})
   when { context.environment.name == "prod" && resource.destructive } unless { context has approval };`,
  `@id("keys-only") forbid (principal, action, ${here}) unless { context.source.authentication.method == "api-key" };`,
  `@id("alice-reads") permit (principal == User::"${PRINCIPAL}", action == Action::"resources/read", ${here});`,
]

/** `count` policies, one after another in one text. */
export function policyText(count: number): string {
  if (count === 0) return PERMIT_ALL
  const others = Array.from({ length: count - concerning.length }, (_, index) => other(index))
  return [...concerning, ...others].join('\n')
}

function other(index: number): string {
  const tool = `Action::"${SERVER}__tool_${index % 150}"`
  const id = `@id("p${index}")`
  switch (index % 5) {
    case 0:
      return `${id} permit (principal == User::"user-${index}", action == ${tool}, resource)
        when { context.input.path like "/workspace/team-${index % 40}/*" };`
    case 1:
      return `${id} permit (principal in Group::"team-${index % 40}", action == ${tool}, resource)
        when { context.input has limit && context.input.limit <= ${100 + index} };`
    case 2:
      return `${id} forbid (principal, action == ${tool}, resource)
        when { context.input has amount && context.input.amount > ${1000 + index} };`
    case 3:
      return `${id} permit (principal in Group::"team-${index % 40}", action in Action::"tools/call", resource in Server::"server-${index % 20}");`
    default:
      return `${id} @remedy("task") forbid (principal == User::"user-${index}", action in Action::"tools/call", resource)
        unless { resource.readOnly || context has task };`
  }
}
