/**
 * API keys look like `sk-mesh-{tenant}-{random}`: the tenant must be known before anything of its can be asked, and
 * a prefix of our own lets secret scanners find leaked keys.
 */

const PREFIX = 'sk-mesh-'
/** Random part: letters and digits only, so that the last hyphen ends the tenant's id, which may have hyphens. */
const KEY = /^sk-mesh-([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)-([A-Za-z0-9]{24,64})$/

/** The tenant a key claims to belong to. Undefined where the text is not of a key's form. */
export function tenantOfKey(key: string): string | undefined {
  return KEY.exec(key)?.[1]
}

/** Puts a key together. @param random 24 to 64 letters and digits, at least 128 bits of randomness */
export function formatKey(tenant: string, random: string): string {
  return `${PREFIX}${tenant}-${random}`
}
