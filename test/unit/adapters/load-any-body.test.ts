/** What holds for every dialect's way to be asked, whatever a pool answers. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adapters } from '../../../workers/adapters/index.ts'
import type { PoolAdapter } from '../../../workers/adapters/adapter.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/pools/load')
/** Of gauges and of members, real ones. */
const NAMES = new Set(
  readdirSync(FIXTURES).flatMap(
    (file) => readFileSync(join(FIXTURES, file), 'utf8').match(/[a-zA-Z_]{3,}(?::[a-z_]+)?/g) ?? [],
  ),
)
const WITH_LOAD = Object.values(adapters).flatMap(({ dialect, ...rest }: PoolAdapter) =>
  (rest.load?.sources ?? []).map((source) => ({ dialect, ...source })),
)
const NOT_A_REPORT = [
  '',
  ' ',
  'null',
  '{}',
  '7',
  '"metrics"',
  '[null]',
  '{"error":{"message":"not found"}}',
  '{"models":null}',
  '<!doctype html>\n<title>404</title>\n',
  '# only a comment\n',
  '\0'.repeat(100),
  '['.repeat(100_000),
]

describe.each(WITH_LOAD)('$dialect’s $path', ({ read }) => {
  test('is no reading where the body is something else', () => {
    for (const body of NOT_A_REPORT) expect(read(body), body.slice(0, 40)).toBeUndefined()
  })

  test('never throws, and never gives a number that cannot be, whatever a pool sends', () => {
    const name = fc.constantFrom(...NAMES)
    const number = fc.oneof(
      fc.double().map(String),
      fc.constantFrom('NaN', '+Inf', '-1', '1e400', '-0', '1e9', '""', 'null', '[]'),
    )
    const gauges = fc.array(
      fc.tuple(name, fc.string(), number).map(([key, text, value]) => {
        return `${key}{a="${text}"} ${value}\n`
      }),
    )
    const object = fc.array(fc.tuple(name, number)).map((members) => {
      return `{${members.map(([key, value]) => `"${key}":${value}`).join(',')}}`
    })
    const list = fc.array(object).map((objects) => `[${objects.join(',')}]`)
    const body = fc.oneof(
      fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
      fc.json(),
      gauges.map((lines) => lines.join('')),
      list,
      list.map((loads) => `{"loads":${loads},"models":${loads}}`),
    )
    fc.assert(
      fc.property(body, (text) => {
        const { kvUse, ...counts } = read(text) ?? {}
        if (kvUse !== undefined) expect(kvUse >= 0 && kvUse <= 1).toBe(true)
        for (const count of Object.values(counts)) expect(count >= 0 && count <= 1e9).toBe(true)
      }),
    )
  })
})

/** No slash at its beginning or end, and a query only behind a path. */
const ROOT_PATH = /^[a-z0-9_]+(?:\/[a-z0-9_]+)*(?:\?[a-z_]+=[a-z_]+)?$/

test.each(Object.values(adapters))(
  '$dialect is asked for its load by paths from its root, or not at all',
  ({ load }: PoolAdapter) => {
    const paths = load === undefined ? [] : [load.probePath, ...load.sources.map(({ path }) => path)]
    for (const path of paths) expect(path).toMatch(ROOT_PATH)
    expect(new Set(paths.slice(1)).size).toBe(load?.sources.length ?? 0)
  },
)

test.each(['openai', 'azure', 'anthropic'] as const)('%s has no load to ask for', (dialect) => {
  const adapter: PoolAdapter = adapters[dialect]
  expect(adapter.load).toBeUndefined()
})
