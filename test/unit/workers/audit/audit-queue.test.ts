/** Entries on their way: in batches, repeated where they do not come through, and counted where they are given up. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AuditFacts } from '../../../../shared/audit/entry.ts'
import { BATCH_MS, createAuditQueue } from '../../../../workers/audit/audit-queue.ts'
import { aMesh } from '../../residency/a-mesh.ts'

const { tenants } = aMesh({ tenants: ['a', 'b'].map((id) => ({ id, floor: { anywhere: true } })) })

interface Append {
  readonly tenant: string
  readonly log: number
  readonly requests: readonly string[]
}

/** `answers`: what each attempt comes to, in order; true when there are no more. */
function aQueue(answers: (boolean | 'never')[] = []) {
  const appends: Append[] = []
  const lines: unknown[] = []
  let picked = 0
  const queue = createAuditQueue(
    {
      pick: () => picked++ % 4,
      append({ id }, log, facts) {
        appends.push({ tenant: id, log, requests: facts.map(({ request_id: request }) => request) })
        const answer = answers.shift() ?? true
        return answer === 'never' ? new Promise(() => undefined) : Promise.resolve(answer)
      },
    },
    { now: () => Date.now(), log: (line) => void lines.push(line) },
  )
  let count = 0
  const add = (id: string, waitUntil: (work: Promise<unknown>) => void = () => undefined): void => {
    count += 1
    const tenant = tenants.find((each) => each.id === id)
    if (tenant === undefined) throw new Error('no such tenant')
    queue.add(tenant, factsOf(`req_${count}`), waitUntil)
  }
  return { appends, lines, add }
}

function factsOf(request: string): AuditFacts {
  return {
    event: 'request',
    at: '2026-11-24T18:30:00.000Z',
    request_id: request,
    decision: 'allowed',
    rules: [],
    pools: [],
    config: 'cfg_1',
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('entries of a second go to one log in one call, each tenant’s for itself', async () => {
  const { add, appends } = aQueue()
  add('a')
  add('b')
  await vi.advanceTimersByTimeAsync(BATCH_MS - 1)
  add('a')
  expect(appends).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(appends).toEqual([
    { tenant: 'a', log: 0, requests: ['req_1', 'req_3'] },
    { tenant: 'b', log: 1, requests: ['req_2'] },
  ])
})

test('what comes while a batch is handed over is in the next one', async () => {
  const { add, appends } = aQueue(['never'])
  add('a')
  await vi.advanceTimersByTimeAsync(BATCH_MS)
  add('a')
  await vi.advanceTimersByTimeAsync(BATCH_MS)
  expect(appends.map(({ requests }) => requests)).toEqual([['req_1'], ['req_2']])
})

test('a full batch does not wait', () => {
  const { add, appends } = aQueue()
  for (let count = 0; count < 256; count += 1) add('a')
  expect(appends.map(({ requests }) => requests.length)).toEqual([256])
})

describe('a batch that does not come through', () => {
  test('is repeated to the same log, and nothing is lost if that helps', async () => {
    const { add, appends, lines } = aQueue([false, false, true])
    add('a')
    await vi.advanceTimersByTimeAsync(BATCH_MS + 5_000)
    expect(appends).toEqual(Array.from({ length: 3 }, () => ({ tenant: 'a', log: 0, requests: ['req_1'] })))
    expect(lines).toEqual([])
  })

  test('is given up after three attempts, and counted', async () => {
    const { add, appends, lines } = aQueue([false, false, false])
    add('a')
    add('a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(appends).toHaveLength(3)
    expect(lines).toEqual([{ event: 'audit_lost', tenant: 'a', entries: 2, why: 'unreachable' }])
  })

  test('because the work behind its request has ended is taken up by a request of anybody', async () => {
    const { add, appends, lines } = aQueue(['never'])
    add('a')
    await vi.advanceTimersByTimeAsync(BATCH_MS)
    await vi.advanceTimersByTimeAsync(19_000)
    add('b')
    expect(appends.map(({ tenant }) => tenant)).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(2_000)
    add('b')
    await vi.advanceTimersByTimeAsync(BATCH_MS)
    expect(appends.filter(({ tenant }) => tenant === 'a')).toEqual([
      { tenant: 'a', log: 0, requests: ['req_1'] },
      { tenant: 'a', log: 0, requests: ['req_1'] },
    ])
    expect(lines).toEqual([])
  })
})

test('an isolate holds so many entries and no more: the others are counted', () => {
  const { add, lines } = aQueue(Array.from({ length: 100 }, () => 'never' as const))
  for (let count = 0; count < 4_097; count += 1) add('a')
  expect(lines).toEqual([{ event: 'audit_lost', tenant: 'a', entries: 1, why: 'full' }])
})

test('a request that is over already takes nothing with it', async () => {
  const { add, appends } = aQueue()
  const over = (): never => {
    throw new Error('the request is over')
  }
  expect(() => add('a', over)).not.toThrow()
  await vi.advanceTimersByTimeAsync(BATCH_MS)
  expect(appends).toHaveLength(1)
})
