/** A text that a call would send may be known values in the dress that fields ask for: a list, a name with its address. */
import { normalForm } from './occurrence.ts'

/** How else it can be read, each as parts that all have to be known. */
export function readingsOf(text: string): readonly (readonly string[])[] {
  const bare = undressed(text)
  const singles = new Set([bare, bare.replace(scheme, '')])
  singles.delete(text)
  const lists = [momentParts(bare), listParts(text)]
  return [...[...singles].map((each) => [each]), ...lists.filter((parts) => parts !== undefined)]
}

/** What says of a host, an address, a number, a channel or a person what it is. */
const scheme = /^(?:https:\/\/(?=[\p{L}\p{N}-]+\.)|mailto:(?=[^:]+@)|tel:(?=\+?\d)|[#@](?=[\p{L}\p{N}]))/iu

/** Without one pair of quotes or brackets around it, and one mark at its end. */
function undressed(text: string): string {
  const inner = /^(?:"([^"]+)"|'([^']+)'|`([^`]+)`|<([^<>]+)>)$/.exec(text)?.slice(1) ?? []
  return (inner.find((each) => each !== undefined) ?? text).replace(/(?<=.)[.,;!?/]$/, '')
}

const moment = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::00(?:\.0{1,3})?)?(?:Z|([+-]\d{2}:\d{2}))?$/i

/** A day and a time on it. */
function momentParts(text: string): readonly string[] | undefined {
  return moment
    .exec(text)
    ?.slice(1)
    .filter((part) => part !== undefined)
}

/** So many ways to part a list, each the same wherever it is used: `Lee, Ann <ann@example.com>; …` has two. */
const MAX_SEPARATORS = 2

/** `a@example.com, b@example.com` or `Ann <a@example.com>`: each once, and none so short that it spells something. */
function listParts(text: string): readonly string[] | undefined {
  const list = text.replace(/[,;]$/, '')
  const separators = new Set(list.match(/\s*[,;\n]\s*/g))
  if (separators.size > MAX_SEPARATORS || [...separators].some((each) => each.length > 3)) return undefined
  const parts = list
    .split(/\s*[,;\n]\s*/)
    .flatMap((part) => /^([^<>]*?) ?<([^<>]+)>$/.exec(part)?.slice(1) ?? [part])
    .map((part) => part.replace(/^"(.*)"$/, '$1'))
  if (parts[0] === '') parts.shift() // an address in brackets alone
  const isList = parts.length > 1 && parts.length <= 100 && parts.every((part) => part.length > 2)
  return isList && new Set(parts.map(normalForm)).size === parts.length ? parts : undefined
}
