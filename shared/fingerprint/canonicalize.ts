/**
 * Canonical JSON (RFC 8785): one text for every spelling of the same value, so that equal requests have equal
 * digests. Keys are in the order of their UTF-16 code units, arrays keep theirs, numbers are as ECMAScript writes them.
 *
 * Where RFC 8785 wants an error, this writes what `JSON.stringify` would, since that is what a pool is sent: a number
 * too large for a double is `null`, and half of a surrogate pair is its `\udXXX` escape (replaced by U+FFFD, as UTF-8
 * encoders do, it would make different requests equal). Members that are undefined are absent.
 */

/** Takes JSON values as `JSON.parse` makes them; recurses as deep as the value, whose depth was bounded before. */
export function canonicalize(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalize).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalize(member)}`)
  return `{${members.join(',')}}`
}
