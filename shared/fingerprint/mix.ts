/** Small hashes for spreading, not for secrets: what they are given is a keyed digest already, or a name of ours. */

/** FNV-1a, 32 bits, over UTF-16 code units (version ids are ASCII). */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash
}

/** The finalizer of MurmurHash3, 32 bits, as an unsigned integer. */
export function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
