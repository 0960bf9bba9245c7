/** What an importer has understood of another gateway's config, before places, floors and the form of mesh.toml are put to it. */
import type { Dialect } from '../../../shared/schema/mesh.ts'

export interface Finding {
  /** Where it stands in what was read, e.g. `model_list[2] (gpt-4o)`. */
  readonly where: string
  /**
   * `lost`: a setting without an equal, and nothing is wider for it. `left_out`: this deployment or key is not imported.
   * `guard`: a setting for everybody that forbids something the mesh would allow; nothing is imported. `note`: to be known or done.
   */
  readonly kind: 'lost' | 'left_out' | 'guard' | 'note'
  /** Why, as the rest of a sentence. */
  readonly reason: string
}

/** One model at one place of a provider. */
export interface Deployment {
  readonly where: string
  /** What clients ask for. */
  readonly model: string
  /** Where several models answer to one name: which of them, and its share. */
  readonly version?: { readonly name: string; readonly weight: number }
  /** What the pool calls it. */
  readonly served: string
  readonly dialect: Dialect
  readonly url: string
  readonly apiVersion?: string
  /** `POOL_…`: name of the secret that holds its key. */
  readonly secret?: string
  /** USD per million tokens. */
  readonly price?: Price
  readonly capacity?: number
  readonly contextLength?: number
  /** What the source says of its place: counts where it is the id of a region. */
  readonly regionHint?: string
}

export interface Price {
  readonly prompt: number
  readonly cached_prompt: number
  readonly completion: number
}

export interface TenantDraft {
  readonly id: string
  readonly models: '*' | readonly string[]
  readonly keys: readonly { readonly id: string; readonly sha256: string }[]
}

export interface Draft {
  readonly deployments: readonly Deployment[]
  readonly findings: readonly Finding[]
  /** How long answers were cached; undefined where nothing was. */
  readonly cacheTtlSeconds?: number
  readonly limits: { readonly max_attempts?: number; readonly total_ms?: number }
}

/** Names: lower-case letters, digits and inner hyphens. Undefined where nothing of the text is left. */
export function slugOf(text: string): string | undefined {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replaceAll(/^-+|-+$/g, '')
  return slug === '' ? undefined : slug
}

/** The name, or the first of name-2, name-3, … that is not taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  let count = 2
  while (taken.has(`${name}-${count}`)) count += 1
  return `${name}-${count}`
}

/** The name of a secret, made of that of an environment variable or of anything else. */
export function secretName(from: string): string {
  const name = from
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 64)
  return `POOL_${name === '' ? 'KEY' : name}`
}

/** Text of a file as it may be shown: printable, and not without end. */
export function shown(text: string): string {
  const plain = text.replaceAll(/[^ -~]/g, '?')
  return plain.length > 80 ? `${plain.slice(0, 77)}...` : plain
}

/** Whether a setting is set at all: `false`, nothing and an empty list switch nothing on. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}
