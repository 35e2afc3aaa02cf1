/**
 * Tells secrets from settings in the configuration of another client, so that none is copied into ours.
 * A setting taken for a secret costs a variable to set; a secret taken for a setting lies in a file. So: rather often.
 */
const NAME =
  /token|secret|passw|passphrase|credential|(api|private|access)[_-]?key|auth|cookie|session|dsn|(^|[_-])(key|pat|pwd)$/i
const KNOWN =
  /(^|[^A-Za-z0-9])(sk-|ghp_|gho_|ghs_|ghu_|github_pat_|glpat-|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.|npm_|pypi-|hf_|tg_|lin_api_|ntn_|secret_|eyJ)[A-Za-z0-9._/-]{8,}/
/** `scheme://user:password@host`. */
const WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i

/** Whether the value of a variable or header is to be kept out of the file. */
export function isSecret(name: string, value: string): boolean {
  if (value === '' || /^(true|false|\d{1,5})$/.test(value)) return false
  return NAME.test(name) || looksSecret(value)
}

/** Whether a text by itself looks like a secret, as an argument may. */
export function looksSecret(value: string): boolean {
  return KNOWN.test(value) || WITH_PASSWORD.test(value) || isRandom(value)
}

/** Long, one word, letters of both cases and digits: made by a machine. */
function isRandom(value: string): boolean {
  return (
    /^[A-Za-z0-9+/=_-]{32,}$/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value)
  )
}

/** The variable that `${NAME}`, `${env:NAME}`, `${NAME:-default}` or `${input:name}` stands for, when that is all. */
export function variableOf(value: string): string | undefined {
  const [, name] = /^\$\{(?:env:|input:)?([A-Za-z_][\w-]*)(?::-[^}]*)?\}$/.exec(value) ?? []
  return name === undefined ? undefined : variableName(name)
}

/** A name that a variable can have is kept; `X-Api-Key` becomes `X_API_KEY`. */
export function variableName(text: string): string {
  if (/^[A-Za-z_]\w*$/.test(text)) return text
  const name = text.replace(/\W+/g, '_').toUpperCase()
  return /^\d/.test(name) ? `_${name}` : name
}
