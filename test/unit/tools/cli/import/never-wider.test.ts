/** What is imported never opens more than was open: whatever else stands in a config, and wherever. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { MeshConfig } from '../../../../../shared/schema/mesh.ts'
import { fixture, litellm, must } from './an-import.ts'

type Table = Record<string, unknown>
interface Source extends Table {
  readonly model_list: { readonly litellm_params: Table; readonly model_info?: Table }[]
}

/** Names that nobody knows, and values that switch something on. */
const NAME = fc.stringMatching(/^[a-z]{3,12}_of_tomorrow$/)
const VALUE = fc.oneof(
  fc.constant(true),
  fc.integer({ min: 1 }),
  fc.constant(['x']),
  fc.constant({ x: 1 }),
  fc.constant('x'),
)
const SECTIONS = ['', 'router_settings', 'litellm_settings', 'general_settings'] as const

test('an unknown setting for everybody refuses everything', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SECTIONS), NAME, VALUE, (section, name, value) => {
      const source = parse(fixture('litellm.yaml')) as Source
      const changed =
        section === ''
          ? { ...source, [name]: value }
          : { ...source, [section]: { ...(source[section] as Table), [name]: value } }
      expect(litellm(stringify(changed)).ok).toBe(false)
    }),
  )
})

test('an unknown setting of a deployment leaves this one out, and opens no pool, model or place', () => {
  const before = openIn(must(litellm(fixture('litellm.yaml'))).config)
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 3, 4), fc.boolean(), NAME, VALUE, (index, isInfo, name, value) => {
      const source = parse(fixture('litellm.yaml')) as Source
      const entry = source.model_list[index] as Table
      const where = isInfo ? 'model_info' : 'litellm_params'
      source.model_list[index] = {
        ...entry,
        [where]: { ...(entry[where] as Table | undefined), [name]: value },
      } as never
      const after = openIn(must(litellm(stringify(source))).config)
      expect(before).toEqual(expect.arrayContaining(after))
      expect(after.length).toBeLessThan(before.length)
    }),
  )
})

test('a key with anything unknown opens nothing', () => {
  fc.assert(
    fc.property(NAME, VALUE, (name, value) => {
      const keysText = JSON.stringify([{ token: 'b'.repeat(64), [name]: value }])
      const { config } = must(litellm(fixture('litellm.yaml'), { keysText }))
      expect(config.tenants.flatMap(({ keys }) => keys)).toEqual([])
    }),
  )
})

/** Which model may go to which URL under which name, in which jurisdiction. */
function openIn({ pools, regions }: MeshConfig): string[] {
  const lawOf = new Map(regions.map(({ id, jurisdiction }) => [id, jurisdiction]))
  return pools.flatMap(({ url, region, models }) =>
    models.map(({ model, served }) => `${model} as ${served} at ${url} in ${lawOf.get(region)}`),
  )
}
