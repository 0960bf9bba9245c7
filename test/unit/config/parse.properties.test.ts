/** Whatever happens to a config, the parser answers, in lines a person can read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkMeshConfig, describeProblem, parseMeshConfig } from '../../../shared/config/parse.ts'
import type { ConfigProblem } from '../../../shared/config/parse.ts'
import type { MeshMode } from '../../../shared/config/mode.ts'
import type { Result } from '../../../shared/result.ts'
import { configWith } from './valid-config.ts'

const SAMPLE = readFileSync(join(import.meta.dirname, '../../../mesh.toml'), 'utf8')
const LINE = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,300}$/u

const modes = fc.constantFrom<MeshMode>(
  { kind: 'cloudflare' },
  { kind: 'dev' },
  { kind: 'single', jurisdiction: 'eu' },
)
const paths = fc.constantFrom(...pathsIn(configWith()))
const values = fc.oneof(
  fc.constantFrom(
    'eu-1',
    'us-east',
    '',
    '__proto__',
    'constructor',
    'https://[::1]/v1',
    `${'a'.repeat(5000)}`,
  ),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
  fc.jsonValue(),
  fc.constant(undefined),
)

test('answers with a config or with lines, whatever is put in place of any value', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(paths, values), { minLength: 1, maxLength: 4 }), modes, (edits, mode) => {
      const config = edits.reduce<unknown>((value, [path, put]) => replaceAt(value, path, put), configWith())
      expectAnswer(checkMeshConfig(config, { mode }))
    }),
    { numRuns: 500 },
  )
})

test('answers with a config or with lines, whatever key is added', () => {
  fc.assert(
    fc.property(paths, fc.string({ unit: 'binary', maxLength: 400 }), (path, key) => {
      // The one member that an array has and no file can set.
      fc.pre(key !== 'length')
      expectAnswer(
        checkMeshConfig(replaceAt(configWith(), [...path, key], 1), { mode: { kind: 'cloudflare' } }),
      )
    }),
  )
})

test('answers with a config or with lines, whatever characters of the file are lost or changed', () => {
  fc.assert(
    fc.property(fc.nat(SAMPLE.length), fc.nat(40), fc.string({ maxLength: 5 }), (at, length, text) => {
      const mutated = SAMPLE.slice(0, at) + text + SAMPLE.slice(at + length)
      expectAnswer(parseMeshConfig(mutated, { mode: { kind: 'cloudflare' } }))
    }),
    { numRuns: 300 },
  )
})

test('answers with lines to any text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.json().map((text) => `{"version":${text}`),
      ),
      (text) => {
        const result = parseMeshConfig(text, { mode: { kind: 'dev' } })
        expect(result.ok).toBe(false)
        expectAnswer(result)
      },
    ),
  )
})

test('answers to nesting deeper than any stack', () => {
  expectAnswer(parseMeshConfig(`x = ${'['.repeat(100_000)}`, { mode: { kind: 'dev' } }))
  expectAnswer(parseMeshConfig(`{"x": ${'['.repeat(100_000)}`, { mode: { kind: 'dev' } }))
  expectAnswer(
    parseMeshConfig(`{"x": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`, { mode: { kind: 'dev' } }),
  )
})

function expectAnswer(result: Result<unknown, readonly ConfigProblem[]>): void {
  if (result.ok) return
  expect(result.error.length).toBeGreaterThan(0)
  for (const problem of result.error) expect(describeProblem(problem)).toMatch(LINE)
}

type Path = readonly (string | number)[]

function pathsIn(value: unknown): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [[]]
  const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [[], ...members.flatMap(([key, member]) => pathsIn(member).map((path) => [key, ...path]))]
}

/** Sets own members only, as a TOML or JSON reader does, even one called __proto__. */
function replaceAt(value: unknown, path: Path, put: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return put
  const isTable = typeof value === 'object' && value !== null
  const copy: object = Array.isArray(value) ? [...value] : isTable ? { ...value } : {}
  const member: unknown = Object.hasOwn(copy, key) ? Reflect.get(copy, key) : undefined
  Object.defineProperty(copy, key, {
    value: replaceAt(member, rest, put),
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return copy
}
