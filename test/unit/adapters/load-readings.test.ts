/** What each dialect's pools say of their load, as their servers write it. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Dialect } from '../../../shared/schema/mesh.ts'
import { adapters } from '../../../workers/adapters/index.ts'
import type { PoolAdapter } from '../../../workers/adapters/adapter.ts'
import type { LoadReading } from '../../../workers/adapters/load/load-dialect.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/pools/load')

interface ReadingCase {
  readonly fixture: string
  readonly dialect: Dialect
  readonly path: string
  readonly reading: LoadReading | undefined
}

const TRTLLM = { running: 5, waiting: 3, kvUse: 0.6 }

const CASES: readonly ReadingCase[] = [
  {
    fixture: 'vllm-metrics.txt',
    dialect: 'vllm',
    path: 'metrics',
    reading: { running: 21, waiting: 3, kvUse: 0.8125 },
  },
  {
    fixture: 'vllm-metrics-2025.txt',
    dialect: 'vllm',
    path: 'metrics',
    reading: { running: 4, waiting: 1, kvUse: 0.0625 },
  },
  {
    fixture: 'sglang-loads.json',
    dialect: 'sglang',
    path: 'v1/loads?include=core',
    reading: {
      running: 12,
      waiting: 2,
      waitingTokens: 3120,
      runningTokens: 71_873,
      kvUse: 0.0949,
      maxRunning: 128,
    },
  },
  {
    fixture: 'sglang-get-load.json',
    dialect: 'sglang',
    path: 'get_load',
    reading: { running: 12, waiting: 2 },
  },
  {
    fixture: 'sglang-metrics.txt',
    dialect: 'sglang',
    path: 'metrics',
    reading: { running: 12, waiting: 2, runningTokens: 71_873, kvUse: 0.0949 },
  },
  {
    fixture: 'sglang-metrics-2024.txt',
    dialect: 'sglang',
    path: 'metrics',
    reading: { running: 3, waiting: 1, runningTokens: 1225, kvUse: 0 },
  },
  {
    fixture: 'llamacpp-metrics.txt',
    dialect: 'llamacpp',
    path: 'metrics',
    reading: { running: 4, waiting: 2 },
  },
  {
    fixture: 'llamacpp-metrics-2024.txt',
    dialect: 'llamacpp',
    path: 'metrics',
    reading: { running: 2, waiting: 0, kvUse: 0.63 },
  },
  {
    fixture: 'llamacpp-slots.json',
    dialect: 'llamacpp',
    path: 'slots',
    reading: { running: 2, maxRunning: 4 },
  },
  { fixture: 'llamacpp-slots-off.json', dialect: 'llamacpp', path: 'slots', reading: undefined },
  { fixture: 'tgi-metrics.txt', dialect: 'tgi', path: 'metrics', reading: { running: 4, waiting: 7 } },
  { fixture: 'ollama-ps.json', dialect: 'ollama', path: 'api/ps', reading: {} },
  { fixture: 'ollama-ps-none.json', dialect: 'ollama', path: 'api/ps', reading: {} },
  { fixture: 'trtllm-prometheus.txt', dialect: 'trtllm', path: 'prometheus/metrics', reading: TRTLLM },
  { fixture: 'trtllm-metrics-dynamo.txt', dialect: 'trtllm', path: 'metrics', reading: TRTLLM },
  {
    fixture: 'trtllm-steps.json',
    dialect: 'trtllm',
    path: 'metrics',
    reading: { ...TRTLLM, maxRunning: 10 },
  },
  { fixture: 'trtllm-steps-none.json', dialect: 'trtllm', path: 'metrics', reading: {} },
]

/** What the source of a dialect makes of a body. */
function readingOf(dialect: Dialect, path: string, body: string): LoadReading | undefined {
  const adapter: PoolAdapter = adapters[dialect]
  const source = adapter.load?.sources.find((candidate) => candidate.path === path)
  if (source === undefined) throw new Error(`${dialect} has no source ${path}`)
  return source.read(body)
}

function fixture(name: string): string {
  return readFileSync(join(FIXTURES, name), 'utf8')
}

describe('what pools say of their load', () => {
  test('is tested with every fixture, and every source with one', () => {
    expect(CASES.map((one) => one.fixture).toSorted()).toEqual(readdirSync(FIXTURES).toSorted())
    const sources = Object.values(adapters).flatMap((adapter: PoolAdapter) =>
      (adapter.load?.sources ?? []).map(({ path }) => `${adapter.dialect} ${path}`),
    )
    expect(new Set(CASES.map(({ dialect, path }) => `${dialect} ${path}`))).toEqual(new Set(sources))
  })

  test.each(CASES)('is read from $fixture', ({ fixture: name, dialect, path, reading }) => {
    expect(readingOf(dialect, path, fixture(name))).toEqual(reading)
  })

  test.each(CASES)(
    'is never half of $fixture where that was cut',
    ({ fixture: name, dialect, path, reading }) => {
      const body = fixture(name).trimEnd()
      const wrong: number[] = []
      for (let length = 0; length < body.length; length += 1) {
        // Where a line ends, the rest cannot be missed.
        if (body[length - 1] === '\n') continue
        const cut = readingOf(dialect, path, body.slice(0, length)) ?? {}
        if (JSON.stringify({ ...reading, ...cut }) !== JSON.stringify(reading ?? {})) wrong.push(length)
      }
      expect(wrong).toEqual([])
    },
  )
})

describe('numbers that cannot be', () => {
  const vllm = (running: string, kvUse = '0.5') =>
    readingOf('vllm', 'metrics', `vllm:num_requests_running ${running}\nvllm:kv_cache_usage_perc ${kvUse}\n`)

  test.each(['-1', 'NaN', '+Inf', '1e10', '1e999', 'x'])('a count of %s is left out', (count) => {
    expect(vllm(count)).toEqual({ kvUse: 0.5 })
  })

  test.each([
    ['-0.25', 0],
    ['1.5', 1],
    ['87', 1],
  ])('a share of %s is brought within its bounds', (share, kvUse) => {
    expect(vllm('2', share)).toEqual({ running: 2, kvUse })
  })

  test.each(['NaN', '+Inf', '-Inf', 'x'])('a share of %s is left out', (share) => {
    expect(vllm('2', share)).toEqual({ running: 2 })
  })

  test('a body without one sound number is no reading', () => {
    expect(vllm('NaN', 'NaN')).toBeUndefined()
  })

  test('a count that one of several engines has wrong is left out: the rest would look like an idle pool', () => {
    const body =
      'vllm:num_requests_running{engine="0"} 40\nvllm:num_requests_running{engine="1"} NaN\n' +
      'vllm:kv_cache_usage_perc{engine="0"} 0.9\nvllm:kv_cache_usage_perc{engine="1"} NaN\n'
    expect(readingOf('vllm', 'metrics', body)).toEqual({ kvUse: 0.9 })
  })

  test('a negative count is not made up for by another engine', () => {
    const body = 'vllm:num_requests_waiting{engine="0"} -1\nvllm:num_requests_waiting{engine="1"} 5\n'
    expect(readingOf('vllm', 'metrics', body)).toBeUndefined()
  })

  test('counts that are sound one by one, but not together, are left out', () => {
    const rank = { num_running_reqs: 1, num_used_tokens: 900_000_000 }
    const body = JSON.stringify({ loads: [rank, rank] })
    expect(readingOf('sglang', 'v1/loads?include=core', body)).toEqual({ running: 2 })
  })

  test('a limit of none is no limit that was told', () => {
    const body = JSON.stringify({ loads: [{ num_running_reqs: 0, max_running_requests: 0 }] })
    expect(readingOf('sglang', 'v1/loads?include=core', body)).toEqual({ running: 0 })
  })

  test('memory without blocks has no share in use', () => {
    const step = { numActiveRequests: 1, kvCacheStats: { usedNumBlocks: 0, maxNumBlocks: 0 } }
    expect(readingOf('trtllm', 'metrics', JSON.stringify([step]))).toEqual({ running: 1 })
  })
})

describe('what differs between servers', () => {
  test('where both names of a gauge are there, the current one counts, and nothing twice', () => {
    const body = 'vllm:gpu_cache_usage_perc 0.9\nvllm:kv_cache_usage_perc 0.4\n'
    expect(readingOf('vllm', 'metrics', body)).toEqual({ kvUse: 0.4 })
  })

  test('SGLang’s requests count once, whatever their priority and however many ranks share the work', () => {
    const body =
      'sglang:num_running_reqs{model_name="m",priority="",tp_rank="0"} 7\n' +
      'sglang:num_running_reqs{model_name="m",priority="1",tp_rank="0"} 7\n' +
      'sglang:num_running_reqs{model_name="m",priority="",tp_rank="1"} 7\n'
    expect(readingOf('sglang', 'metrics', body)).toEqual({ running: 7 })
  })

  test('a rank of SGLang’s that does not tell a field makes it unknown', () => {
    const loads = [{ num_running_reqs: 3, num_waiting_reqs: 1 }, { num_running_reqs: 4 }]
    expect(readingOf('sglang', 'v1/loads?include=core', JSON.stringify({ loads }))).toEqual({ running: 7 })
  })

  test.each([
    ['no rank', '{"loads":[]}'],
    ['ranks that are no objects', '{"loads":[7]}'],
    ['no list', '{"loads":{"num_running_reqs":7}}'],
    ['the older form', '[{"num_reqs":9,"num_waiting_reqs":2}]'],
  ])('SGLang’s report with %s is none', (_name, body) => {
    expect(readingOf('sglang', 'v1/loads?include=core', body)).toBeUndefined()
  })

  test('slots of which one does not say whether it computes are no reading', () => {
    expect(readingOf('llamacpp', 'slots', '[{"id":0,"is_processing":true},{"id":1}]')).toBeUndefined()
    expect(readingOf('llamacpp', 'slots', '[]')).toBeUndefined()
  })
})
