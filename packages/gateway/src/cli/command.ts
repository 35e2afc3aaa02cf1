/** What all commands have in common: the flags `--config` and `--json`, and an exit code instead of an exception. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { type Config, type ConfigError, showConfigError } from '../config/config.ts'
import { configPlaces, findConfig } from '../config/find.ts'
import { err, type Result } from '../model/result.ts'
import { EXIT, say } from './terminal.ts'

export interface ConfigOptions {
  readonly config?: string
}
export interface JsonOptions {
  readonly json?: true
}

/** Adds `--config`. */
export function takesConfig(command: Command): Command {
  return command.option(
    '-c, --config <file>',
    'the configuration; see the reference for where it is looked for',
  )
}

/** Adds `--json`. */
export function takesJson(command: Command): Command {
  return command.option('--json', 'write the result as JSON')
}

/** For a flag that can be repeated. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

/** Runs `action` and leaves with its exit code. */
export function leaving<Args extends unknown[]>(
  action: (...args: Args) => Promise<number> | number,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    process.exitCode = await action(...args)
  }
}

/** Finds and loads the configuration. */
export async function readConfig({
  config: asked,
}: ConfigOptions): Promise<Result<Config, readonly ConfigError[]>> {
  const place = { env: process.env, cwd: process.cwd(), exists: existsSync }
  const options = asked === undefined ? place : { ...place, asked }
  const path = findConfig(options)
  if (path === undefined) {
    const places = configPlaces(options).join(', ')
    const message = `there is none at ${places}; write one with: tollgate init`
    return err([{ file: 'configuration', message }])
  }
  // Imported when needed, as every command does with what is heavy: completion and --version stay quick.
  const { loadConfig } = await import('../config/load.ts')
  return loadConfig({ path, readFile: (file) => readFile(file, 'utf8') })
}

/** The same, with its errors as the lines that people read. */
export async function readConfigLines(options: ConfigOptions): Promise<Result<Config, readonly string[]>> {
  const config = await readConfig(options)
  return config.ok ? config : err(config.error.map(showConfigError))
}

/** Loads the configuration for a command that needs one; says what is wrong with it otherwise. */
export async function requireConfig(
  options: ConfigOptions,
): Promise<Result<Config, typeof EXIT.configuration>> {
  const config = await readConfig(options)
  if (config.ok) return config
  for (const error of config.error) say(showConfigError(error))
  return err(EXIT.configuration)
}
