/** What is known answers, from wherever it is there first; what cannot be asked costs an answer of one's own and no more. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encodeHeadLine } from '../../../../shared/log/lines.ts'
import { aKeptLog } from '../a-kept-log.ts'
import { aLookUp, hitStream, shardStream } from '../a-looked-up.ts'
import { must } from '../a-dispatch.ts'
import { NOW_MS } from '../an-admitted.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

type LookUp = Awaited<ReturnType<typeof aLookUp>>

/** The text of what was found, or why nothing was; without any time having passed. */
async function found(made: LookUp, looking = made.run()): Promise<string> {
  const looked = await looking
  if (!looked.ok) return looked.error.reason
  const { shared, sharing } = looked.value
  if (shared === undefined) return sharing.kind === 'private' ? `made here: ${sharing.detail}` : 'made here'
  const { members } = await shared.source.next()
  const event = JSON.parse(members[0] ?? '{}') as { choices: { delta: { content: string } }[] }
  return `${shared.facts.outcome}: ${event.choices[0]?.delta.content}`
}

/** As `found`, when KV and the shard have been waited for as long as they are. */
async function foundLate(made: LookUp): Promise<string> {
  const looking = made.run()
  await vi.advanceTimersByTimeAsync(10_000)
  return found(made, looking)
}

const never = (): Promise<never> => new Promise(() => undefined)

describe('of KV and the shard', () => {
  test('the shard answers what KV has not', async () => {
    const made = await aLookUp()
    expect(await found(made)).toBe('hit: from the shard')
    expect(made.kv.gets).toHaveLength(1)
    expect(made.jobs).toHaveLength(1)
  })

  test('KV answers while the shard is not there yet, which is then let go of', async () => {
    const late = Promise.withResolvers<ReadableStream<Uint8Array>>()
    const made = await aLookUp({ open: () => late.promise })
    await made.promote('from KV')
    expect(await found(made)).toBe('hit: from KV')
    let cancels = 0
    late.resolve(new ReadableStream({ cancel: () => void (cancels += 1) }))
    await made.settled()
    expect(cancels).toBe(1)
    expect(made.detached).toEqual([made.context.run])
  })

  test.each(['hangs', 'fails'] as const)('a KV that %s does not hold up what the shard has', async (how) => {
    const made = await aLookUp()
    made.kv.how = how
    const looked = await made.run()
    expect(looked.ok && looked.value.shared?.take).toBe('take-1')
    expect(made.kvFailures).toBe(how === 'fails' ? 1 : 0)
  })

  test('a KV that hangs does not hold up for ever what the shard refuses', async () => {
    const refusal = shardStream(encodeHeadLine({ refused: { reason: 'pool_rejected_request' } }))
    const made = await aLookUp({ open: () => Promise.resolve(refusal) })
    made.kv.how = 'hangs'
    expect(await foundLate(made)).toBe('pool_rejected_request')
  })

  test('KV is asked alone for what has come from there before, as long as it answers', async () => {
    const made = await aLookUp({ open: () => Promise.reject(new Error('unreachable')) })
    await made.promote('from KV')
    expect(await found(made)).toBe('hit: from KV')
    const { fingerprint } = must(made.context.sharing.kind === 'shared' ? made.context.sharing : undefined)
    const asked = made.jobs.length
    // It is in memory now; without that, KV is next.
    const forgetful = { ...made.edge.answers, remembered: () => undefined }
    Object.assign(made.edge, { answers: forgetful })
    expect(await found(made)).toBe('hit: from KV')
    expect(made.jobs).toHaveLength(asked)
    expect(forgetful.hasComeFromKv(fingerprint)).toBe(true)
    made.kv.how = 'hangs'
    expect(await foundLate(made)).toBe('made here: shard_unreachable')
  })

  test('a damaged copy is passed over', async () => {
    const made = await aLookUp()
    await made.promote('from KV')
    for (const [key, value] of made.kv.values) made.kv.values.set(key, value.slice(1))
    expect(await found(made)).toBe('hit: from the shard')
    await expect.poll(() => made.kvFailures).toBe(1)
  })
})

describe('in memory', () => {
  test('what has come from KV answers at once, and nobody is asked', async () => {
    const made = await aLookUp({ open: never })
    await made.promote('from KV')
    await found(made)
    const [gets, jobs] = [made.kv.gets.length, made.jobs.length]
    expect(await found(made)).toBe('hit: from KV')
    expect([made.kv.gets.length, made.jobs.length]).toEqual([gets, jobs])
  })

  test('nothing is used by who wants a fresh one, and it is not kept for others either', async () => {
    const made = await aLookUp({ headers: { 'x-mesh-cache': 'refresh' } })
    const { fingerprint } = must(made.context.sharing.kind === 'shared' ? made.context.sharing : undefined)
    made.edge.answers.remember(fingerprint, aKeptLog({ text: 'old', createdAtMs: NOW_MS }))
    expect(await found(made)).toBe('hit: from the shard')
    expect(made.edge.answers.remembered(fingerprint, NOW_MS)).toBeUndefined()
    expect(made.kv.gets).toEqual([])
    expect(made.jobs[0]?.cache.read).toBe(false)
  })

  test('nothing is used that the reader may not have, or that is too old for it', async () => {
    for (const about of [
      { kept: aKeptLog({ pool: 'another' }) },
      { kept: aKeptLog({ createdAtMs: NOW_MS - 61_000 }), headers: { 'cache-control': 'max-age=60' } },
      { kept: aKeptLog({ expiresAtMs: NOW_MS }) },
    ]) {
      const made = await aLookUp({ headers: {}, ...about })
      const { fingerprint } = must(made.context.sharing.kind === 'shared' ? made.context.sharing : undefined)
      made.edge.answers.remember(fingerprint, about.kept)
      expect(await found(made)).toBe('hit: from the shard')
    }
  })
})

describe('of what may not be anywhere', () => {
  test.each([
    ['restricted', { tenant: 'eu-bank' as const }],
    [
      'to be stored at home',
      { config: { tenants: [{ id: 'demo', floor: { anywhere: true }, storage: 'home' }] } },
    ],
    ['only its own client’s', { body: { temperature: 1 }, isResumable: true }],
  ])('KV is not asked: %s', async (_name, about) => {
    const made = await aLookUp(about)
    expect(await found(made)).toBe('hit: from the shard')
    expect(made.kv.gets).toEqual([])
    expect(made.jobs[0]?.cache.isPromotable).toBe(false)
  })
})

describe('a shard that', () => {
  const head = (json: object) => () => Promise.resolve(shardStream(encodeHeadLine(json)))

  test.each<[string, () => Promise<ReadableStream<Uint8Array>>, string]>([
    ['cannot be reached', () => Promise.reject(new Error('overloaded')), 'made here: shard_unreachable'],
    ['does not answer in time', never, 'made here: shard_unreachable'],
    [
      'says what is not understood',
      () => Promise.resolve(shardStream('what\n')),
      'made here: shard_unreachable',
    ],
    [
      'breaks off before its first line',
      () => Promise.resolve(shardStream()),
      'made here: shard_unreachable',
    ],
    ['makes as much as it can', head({ declined: 'busy' }), 'made here: shard_busy'],
    ['has lost it', head({ declined: 'gone' }), 'made here: shard_unreachable'],
    [
      'runs another config',
      head({ refused: { reason: 'config_unavailable' } }),
      'made here: shard_unreachable',
    ],
    ['found no pool', head({ refused: { reason: 'pool_timeout' } }), 'pool_timeout'],
    ['has isolated the request', head({ refused: { reason: 'request_quarantined' } }), 'request_quarantined'],
  ])('%s: %s', async (_name, open, expected) => {
    expect(await foundLate(await aLookUp({ open }))).toBe(expected)
  })

  test('runs another config refuses a restricted request: the strictest holds', async () => {
    const open = head({ refused: { reason: 'config_unavailable' } })
    expect(await found(await aLookUp({ tenant: 'eu-bank', open }))).toBe('config_unavailable')
  })

  test('cannot be reached gives nothing to who takes only what is cached', async () => {
    const made = await aLookUp({
      headers: { 'x-mesh-cache': 'only' },
      open: () => Promise.reject(new Error()),
    })
    expect(await found(made)).toBe('not_cached')
  })

  test('comes too late is let go of', async () => {
    const late = Promise.withResolvers<ReadableStream<Uint8Array>>()
    const made = await aLookUp({ tenant: 'eu-bank', open: () => late.promise })
    expect(await foundLate(made)).toBe('made here: shard_unreachable')
    let cancels = 0
    late.resolve(new ReadableStream({ cancel: () => void (cancels += 1) }))
    await vi.advanceTimersByTimeAsync(0)
    expect(cancels).toBe(1)
  })
})

describe('an Idempotency-Key', () => {
  test('that stands for another request is a conflict, and nothing else is asked', async () => {
    const made = await aLookUp({ idempotencyKey: 'order 1', claim: () => Promise.resolve(false) })
    expect(await found(made)).toBe('idempotency_key_conflict')
    expect([made.jobs, made.kv.gets]).toEqual([[], []])
  })

  test.each([
    ['cannot be asked', () => Promise.reject(new Error('unreachable'))],
    ['does not answer in time', never],
  ])('whose shard %s stands for the request', async (_name, claim) => {
    expect(await foundLate(await aLookUp({ idempotencyKey: 'order 1', claim }))).toBe('hit: from the shard')
  })
})

test('a client that leaves meanwhile is all that it ends with', async () => {
  const made = await aLookUp({ open: () => Promise.resolve(new ReadableStream()) })
  const looking = made.run()
  await vi.advanceTimersByTimeAsync(0)
  made.client.abort()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await looking).toEqual({ ok: false, error: { reason: 'client_cancelled' } })
})

test('what is private is asked of nobody', async () => {
  const made = await aLookUp({ body: { temperature: 1 } })
  expect(await found(made)).toBe('made here: sampled')
  expect([made.jobs, made.kv.gets]).toEqual([[], []])
})

test('a hit that comes when the lease has run out is not served: a purge may have been in between', async () => {
  const made = await aLookUp({ open: () => Promise.resolve(hitStream('old')) })
  let nowMs = NOW_MS
  Object.assign(made.edge.runtime, { now: () => nowMs })
  const looking = made.run()
  nowMs += 5000
  await vi.advanceTimersByTimeAsync(0)
  const looked = await looking
  expect(looked).toMatchObject({ ok: true, value: { sharing: { kind: 'private', detail: 'no_lease' } } })
})
