/** Random names that can be read aloud. */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** RFC 4648, 6, in lower case; of a multiple of five bytes. */
export function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('')
}
