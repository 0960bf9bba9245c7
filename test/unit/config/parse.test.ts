import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { checkMeshConfig, describeProblem, parseMeshConfig } from '../../../shared/config/parse.ts'
import { linesFor } from './mistakes.ts'
import { configWith } from './valid-config.ts'

const CLOUDFLARE: MeshMode = { kind: 'cloudflare' }
const DEV: MeshMode = { kind: 'dev' }
const SAMPLE = readFileSync(join(import.meta.dirname, '../../../mesh.toml'), 'utf8')

function linesOf(text: string): readonly string[] {
  const result = parseMeshConfig(text, { mode: CLOUDFLARE })
  return result.ok ? [] : result.error.map(describeProblem)
}

describe('parseMeshConfig', () => {
  test('takes the mesh.toml that comes with the project', () => {
    expect(linesOf(SAMPLE)).toEqual([])
  })

  test('fills in what a file may leave out', () => {
    const result = checkMeshConfig(configWith(), { mode: CLOUDFLARE })
    expect(result.ok && result.value.pools[0]).toEqual({
      id: 'eu-1',
      region: 'eu-central',
      dialect: 'vllm',
      url: 'https://eu.example.com/v1',
      models: [{ model: 'story' }],
      capacity: 32,
      price: { prompt: 0, cached_prompt: 0, completion: 0 },
      shared_prefix: false,
      sovereign: false,
    })
    expect(result.ok && result.value.models[0]).toEqual({
      id: 'story',
      versions: [{ id: '1', weight: 1 }],
      context_length: 32768,
      cache: { mode: 'deterministic', ttl_seconds: 3600, coalesce: 'region' },
      extra_fields: [],
      created: 0,
    })
  })

  test('takes JSON as well as TOML, whatever blanks come first', () => {
    const result = parseMeshConfig(`\n  ${JSON.stringify(configWith())}`, { mode: CLOUDFLARE })
    expect(result).toEqual(checkMeshConfig(configWith(), { mode: CLOUDFLARE }))
    expect(result.ok).toBe(true)
  })

  test('takes a file that begins with a byte order mark', () => {
    expect(linesOf(`\ufeff${SAMPLE}`)).toEqual([])
    expect(linesOf(`\ufeff${JSON.stringify(configWith())}`)).toEqual([])
  })

  test.each([
    ['version = ', ['line 1, column 11: the text cannot be read as TOML; the reader says: invalid value']],
    ['{"version": 1,\n  }', ['line 2, column 3: the text cannot be read as JSON; correct the JSON there']],
    ['{"version": 1', ['line 1, column 14: the text cannot be read as JSON; correct the JSON there']],
  ])('says where the text %j cannot be read', (text, lines) => {
    expect(linesOf(text)).toEqual(lines)
  })

  test('says in one line where a TOML text breaks, also in the middle of the file', () => {
    const lines = linesOf(SAMPLE.replace('dialect = "vllm"', 'dialect = vllm'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^line \d+, column \d+: the text cannot be read as TOML; the reader says: [^\n]+$/,
    )
  })

  test('says what an empty file needs', () => {
    expect(linesOf('')).toEqual([
      'version: missing; give 1',
      'regions: missing; give at least one region, [[regions]]',
      'pools: missing; give at least one pool, [[pools]]',
      'models: missing; give at least one model, [[models]]',
      'tenants: missing; give at least one tenant, [[tenants]]',
    ])
  })

  test('reports every mistake at once, those of shape and those of sense', () => {
    const lines = linesFor([
      ['pools.0.capacity', 0],
      ['pools.1.region', 'us-est'],
      ['pools.1.colour', 'red'],
      ['tenants.0.floor', undefined],
      ['tenants.1.models', ['poem']],
      ['rules.0.only.jurisdictions', ['ue']],
    ])
    expect(lines.map((line) => line.split(': ')[0])).toEqual([
      'pools[0] ("eu-1").capacity',
      'pools[1] ("us-1").colour',
      'tenants[0] ("demo").floor',
      'pools[1] ("us-1").region',
      'tenants[1] ("eu-bank").models[0]',
      'rules[0] ("germany").only.jurisdictions[0]',
    ])
  })

  test('does not call a reference dangling because what it refers to has a mistake of its own', () => {
    expect(
      linesFor([
        ['pools.0.capacity', 0],
        ['tenants.0.floor', { pools: ['eu-1'] }],
      ]),
    ).toHaveLength(1)
  })

  test.each(['sk-live-0123456789', 'hunter2'])(
    'never repeats the secret %s that stands where its name belongs',
    (secret) => {
      const lines = linesFor([
        ['pools.0.auth', secret],
        ['pools.1.url', `https://user:${secret}@us.example.com/v1?key=${secret}`],
        ['tenants.0.keys.0.sha256', secret],
      ])
      expect(lines).toHaveLength(3)
      expect(lines.join('\n')).not.toContain(secret)
    },
  )
})

describe('what is no mistake', () => {
  test('a private pool and plain http on one’s own machines', () => {
    const mode: MeshMode = { kind: 'single', jurisdiction: 'us' }
    expect(linesFor([['pools.1.url', 'http://10.0.0.7:8000/v1']], mode)).toEqual([])
  })

  test('a pool on the machine itself, and a key of a local start, in dev', () => {
    expect(
      linesFor(
        [
          ['pools.1.url', 'http://127.0.0.1:8000/v1'],
          ['tenants.0.keys.0.dev', true],
        ],
        DEV,
      ),
    ).toEqual([])
  })

  test('a pool behind a binding, in any mode', () => {
    expect(
      linesFor([
        ['pools.1.url', undefined],
        ['pools.1.binding', 'ONPREM'],
      ]),
    ).toEqual([])
  })

  test('a shared prefix cache that the operator accepted, or that one tenant only may use', () => {
    expect(
      linesFor([
        ['pools.0.dialect', 'llamacpp'],
        ['pools.0.shared_prefix', true],
      ]),
    ).toEqual([])
    expect(linesFor([['pools.1.dialect', 'llamacpp']])).toEqual([])
    const another = { id: 'poem', context_length: 1 }
    expect(
      linesFor([
        ['models.1', another],
        ['pools.0.models.1', { model: 'poem' }],
        ['pools.1.dialect', 'openai'],
        ['pools.1.models', [{ model: 'story' }]],
        ['tenants.1.floor', { anywhere: true }],
        ['tenants.1.models', ['poem']],
      ]),
    ).toEqual([])
  })

  test('a version of weight 0 that waits for its pool', () => {
    const versions = [{ id: '1' }, { id: '2', weight: 0 }]
    expect(
      linesFor([
        ['models.0.versions', versions],
        ['pools.0.models.0.version', '1'],
        ['pools.1.models.0.version', '1'],
      ]),
    ).toEqual([])
  })
})
