/** The gateway as a library: load a configuration, start it, watch it, stop it. */
export type { Config, ConfigError } from './config/config.ts'
export { showConfigError } from './config/config.ts'
export { loadConfig, parseConfig } from './config/load.ts'
export type { DecisionEntry, Entry, OutcomeEntry } from './model/entry.ts'
export type { Reason, Refusal, Remedy } from './model/refusal.ts'
export type { Result } from './model/result.ts'
export type { GatewayStatus } from './server/gateway.ts'
export { RunningGateway } from './server/gateway.ts'
