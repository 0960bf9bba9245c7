/** A small config without a mistake, and a way to put mistakes into it. */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Puts `value` at a dotted path; undefined removes what stands there. */
export type Edit = readonly [path: string, value: Json | undefined]

export const HASH_A = 'a'.repeat(64)
export const HASH_B = 'b'.repeat(64)

const VALID: Json = {
  version: 1,
  regions: [
    { id: 'eu-central', jurisdiction: 'eu', latitude: 50.11, longitude: 8.68, colos: ['FRA', 'AMS'] },
    { id: 'us-east', jurisdiction: 'us', latitude: 39.04, longitude: -77.49, colos: ['IAD'] },
  ],
  pools: [
    {
      id: 'eu-1',
      region: 'eu-central',
      dialect: 'vllm',
      url: 'https://eu.example.com/v1',
      models: [{ model: 'story' }],
    },
    {
      id: 'us-1',
      region: 'us-east',
      dialect: 'vllm',
      url: 'https://us.example.com/v1',
      models: [{ model: 'story' }],
    },
  ],
  models: [{ id: 'story', context_length: 32768 }],
  tenants: [
    { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: HASH_A }] },
    { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, models: ['story'], data_classes: ['health'] },
  ],
  rules: [{ id: 'germany', match: { countries: ['DE'] }, only: { jurisdictions: ['eu'] } }],
}

/** The valid config after some edits. */
export function configWith(...edits: readonly Edit[]): unknown {
  return edits.reduce<Json | undefined>((config, [path, value]) => put(config, path.split('.'), value), VALID)
}

function put(at: Json | undefined, keys: readonly string[], value: Json | undefined): Json | undefined {
  const [key, ...rest] = keys
  if (key === undefined) return value
  if (Array.isArray(at)) {
    const copy: Json[] = [...at]
    const member = put(copy[Number(key)], rest, value)
    copy.splice(Number(key), 1, ...(member === undefined ? [] : [member]))
    return copy
  }
  const table = typeof at === 'object' && at !== null ? at : {}
  const member = put(key in table ? Reflect.get(table, key) : undefined, rest, value)
  const others = Object.entries(table).filter(([name]) => name !== key)
  return Object.fromEntries(member === undefined ? others : [...others, [key, member]])
}
