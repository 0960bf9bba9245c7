/** Ranked pools are asked in turn, and each is judged by what it did; a request that kills two is not given a third. */
import { describe, expect, test } from 'vitest'
import { err, ok, type Result } from '../../../../shared/result.ts'
import { rankPools, type Candidate } from '../../../../shared/routing/rank.ts'
import type { PoolFailure } from '../../../../workers/outgoing/pool-failure.ts'
import { tryCandidates, type Trying } from '../../../../workers/stages/try-candidates.ts'
import { aDispatch, must, pendingOf, type DispatchSetUp } from '../a-dispatch.ts'
import { anywhere } from '../a-production.ts'

type Asked = Result<string, PoolFailure>

const died: Asked = err({ kind: 'fault', fault: 'server_error', died: true })
const failed: Asked = err({ kind: 'fault', fault: 'server_error' })
const late: Asked = err({ kind: 'fault', fault: 'timeout' })

function aTrial(answers: readonly Asked[], changes: Partial<Trying> = {}) {
  const setUp = aDispatch(() => new Response())
  const { config, runtime, pools, dependencies } = setUp
  const origin = must(config.regions[0])
  const placed = anywhere(config)
  const ranking = rankPools({
    placement: must(placed.ok ? placed.value : undefined),
    version: '1',
    key: 'demo/k1',
    nowMs: runtime.now(),
    rng: () => 0.5,
    states: pools.seenFrom(origin.id).all,
    acceptsFields: () => true,
    origin,
  })
  const asked: string[] = []
  const trying = {
    ranking,
    key: 'demo/k1',
    origin,
    endsByMs: runtime.now() + 60_000,
    signal: new AbortController().signal,
    ...changes,
  }
  const answerInTurn = (candidate: Candidate): Promise<Asked> => {
    asked.push(candidate.placed.pool.id)
    return Promise.resolve(answers[asked.length - 1] ?? failed)
  }
  return {
    setUp,
    asked,
    run: (again: Partial<Trying> = {}, ask = answerInTurn) =>
      tryCandidates({ ...trying, ...again }, ask, dependencies),
  }
}

describe('two pools that die under one request', () => {
  test('are the last that are asked', async () => {
    const { asked, run, setUp } = aTrial([died, died, ok('never')])
    expect(await run()).toEqual(err({ reason: 'request_quarantined' }))
    expect(asked).toEqual(['eu-central', 'us-east'])
    expect(pendingOf(setUp)).toBe(0)
  })

  test('may have one between them that only failed', async () => {
    const { asked, run } = aTrial([died, failed, died])
    expect(await run()).toEqual(err({ reason: 'request_quarantined' }))
    expect(asked).toHaveLength(3)
  })

  test('may have died at different times: one before, one now', async () => {
    const { asked, run } = aTrial([died], { died: new Set(['eu-central']) })
    expect(await run()).toEqual(err({ reason: 'request_quarantined' }))
    expect(asked).toEqual(['us-east'])
  })
})

test('a pool that died under the request before is not asked again', async () => {
  const { asked, run } = aTrial([failed, ok('answer')], { died: new Set(['us-east']) })
  expect(await run()).toMatchObject({ ok: true, value: { value: 'answer', attempts: 2 } })
  expect(asked).toEqual(['eu-central', 'ap-southeast'])
})

test('when all that are left have died before, nobody is asked', async () => {
  const { asked, run } = aTrial([], { died: new Set(['eu-central', 'us-east', 'ap-southeast']) })
  expect(await run()).toMatchObject({ ok: false, error: { reason: 'no_eligible_pool' } })
  expect(asked).toEqual([])
})

test('one death is told to whoever goes on', async () => {
  const { run } = aTrial([died, ok('answer')])
  const tried = await run()
  expect(tried.ok && tried.value.died).toEqual(new Set(['eu-central']))
})

test.each<[string, readonly Asked[], object]>([
  ['all time out', [late, late, late], { reason: 'pool_timeout' }],
  ['not all time out', [late, failed, late], { reason: 'no_eligible_pool', retryAfterSeconds: 1 }],
  [
    'some are full, the shortest wait is told',
    [
      err({ kind: 'saturated', status: 429, retryAfterMs: 9000 }),
      err({ kind: 'saturated', status: 503, retryAfterMs: 2500 }),
      failed,
    ],
    { reason: 'no_eligible_pool', retryAfterSeconds: 3 },
  ],
  [
    'one says that the request is at fault',
    [failed, err({ kind: 'final', error: { reason: 'pool_rejected_request' } })],
    { reason: 'pool_rejected_request' },
  ],
])('when %s', async (_name, answers, error) => {
  const { run, setUp } = aTrial(answers)
  expect(await run()).toEqual({ ok: false, error })
  expect(pendingOf(setUp)).toBe(0)
})

test('when the time is over no further pool is asked', async () => {
  const { asked, run } = aTrial([failed], { endsByMs: 0 })
  expect(await run()).toEqual(err({ reason: 'pool_timeout' }))
  expect(asked).toEqual([])
})

test('when the client leaves between two pools no further one is asked, and that is how it ended', async () => {
  const client = new AbortController()
  const setUp = aTrial([], { signal: client.signal })
  const running = setUp.run()
  client.abort()
  expect(await running).toEqual(err({ reason: 'client_cancelled' }))
  expect(setUp.asked).toEqual(['eu-central'])
})

describe('how an answer ends is held against its pool', () => {
  const isHealthy = ({ pools }: DispatchSetUp): boolean =>
    must(pools.seenFrom('eu-central').all.get('eu-central')).breaker.kind === 'closed'

  test.each([
    ['truncated', false],
    ['upstream_error', false],
    ['stalled', false],
    ['completed', true],
    ['timed_out', true],
    ['client_cancelled', true],
  ] as const)('when %s, for three keys at once, it is well: %s', async (outcome, expected) => {
    const { setUp, run } = aTrial([])
    const ends = await Promise.all(
      ['a', 'b', 'c'].map(async (key) => {
        const tried = await run({ key }, () => Promise.resolve(ok('answer')))
        return must(tried.ok ? tried.value : undefined).onOver
      }),
    )
    for (const onOver of ends) onOver(outcome)
    expect(isHealthy(setUp)).toBe(expected)
    expect(pendingOf(setUp)).toBe(0)
  })
})
