/** Where the configuration is looked for. What was asked for by name is taken, whether it exists or not. */
import { join } from 'node:path'

export interface FindOptions {
  /** `--config`. */
  readonly asked?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly exists: (path: string) => boolean
}

/** The places in order; a single one when the user named it. */
export function configPlaces({ asked, env, cwd }: Omit<FindOptions, 'exists'>): readonly string[] {
  const named = asked ?? env['TOLLGATE_CONFIG']
  if (named !== undefined && named !== '') return [named]
  const home = env['HOME']
  const xdg = env['XDG_CONFIG_HOME'] || (home === undefined ? undefined : join(home, '.config'))
  const user = xdg === undefined ? [] : [join(xdg, 'tollgate', 'tollgate.yaml')]
  return [join(cwd, 'tollgate.yaml'), ...user, '/etc/tollgate/tollgate.yaml']
}

/** The configuration to load; undefined when there is none at any place. */
export function findConfig(options: FindOptions): string | undefined {
  const places = configPlaces(options)
  return places.length === 1 ? places[0] : places.find((place) => options.exists(place))
}
