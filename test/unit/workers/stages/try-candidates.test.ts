/** Ranked pools are asked in turn, and each is judged by what it did; a request that kills two is not given a third. */
import { describe, expect, test } from 'vitest'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Candidate } from '../../../../shared/routing/rank.ts'
import type { PoolFailure } from '../../../../workers/outgoing/pool-failure.ts'
import { tryCandidates, type Trying } from '../../../../workers/stages/try-candidates.ts'
import { aDispatch, aPrompt, must, pendingOf, type DispatchSetUp } from '../a-dispatch.ts'
import { aRanking } from '../a-ranking.ts'

type Asked = Result<{ readonly headersMs: number }, PoolFailure>

const answers: Asked = ok({ headersMs: 0 })
const died: Asked = err({ kind: 'fault', fault: 'server_error', died: true })
const failed: Asked = err({ kind: 'fault', fault: 'server_error' })
const late: Asked = err({ kind: 'fault', fault: 'timeout' })

function aTrial(
  script: readonly Asked[],
  changes: Partial<Trying> = {},
  routing: Readonly<Record<string, number>> = {},
) {
  const setUp = aDispatch(() => new Response(), {}, routing)
  const { config, runtime, view, dependencies } = setUp
  const ranking = aRanking(config, { nowMs: runtime.now(), states: view.all })
  const asked: string[] = []
  const trying = {
    ranking,
    key: 'demo/k1',
    prompt: aPrompt(),
    view,
    endsByMs: runtime.now() + 60_000,
    signal: new AbortController().signal,
    mayAsk: () => Promise.resolve(true),
    ...changes,
  }
  const answerInTurn = (candidate: Candidate): Promise<Asked> => {
    asked.push(candidate.placed.pool.id)
    return Promise.resolve(script[asked.length - 1] ?? failed)
  }
  return {
    setUp,
    asked,
    run: (again: Partial<Trying> = {}, ask = answerInTurn) => {
      view.requested()
      return tryCandidates({ ...trying, ...again }, ask, dependencies)
    },
  }
}

describe('two pools that die under one request', () => {
  test('are the last that are asked', async () => {
    const { asked, run, setUp } = aTrial([died, died, answers])
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
  const { asked, run } = aTrial([failed, answers], { died: new Set(['us-east']) })
  expect(await run()).toMatchObject({ ok: true, value: { value: { headersMs: 0 }, attempts: 2 } })
  expect(asked).toEqual(['eu-central', 'ap-southeast'])
})

test('when all that are left have died before, nobody is asked', async () => {
  const { asked, run } = aTrial([], { died: new Set(['eu-central', 'us-east', 'ap-southeast']) })
  expect(await run()).toMatchObject({ ok: false, error: { reason: 'no_eligible_pool' } })
  expect(asked).toEqual([])
})

test('one death is told to whoever goes on', async () => {
  const { run } = aTrial([died, answers])
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
])('when %s', async (_name, script, error) => {
  const { run, setUp } = aTrial(script)
  expect(await run()).toEqual({ ok: false, error })
  expect(pendingOf(setUp)).toBe(0)
})

describe('where retries are all used up', () => {
  /** Of requests that earn this share of a retry each. */
  function aDrained(retryShare: number, script: readonly Asked[]) {
    const trial = aTrial(script, {}, { retry_share: retryShare })
    while (trial.setUp.view.takeRetry());
    return trial
  }

  test('a request that nothing can be earned by is tried once, and says when to come back', async () => {
    const full: Asked = err({ kind: 'saturated', status: 429, retryAfterMs: 9000 })
    const { asked, run, setUp } = aDrained(0, [full, answers])
    expect(await run()).toEqual(err({ reason: 'no_eligible_pool', retryAfterSeconds: 9 }))
    expect(asked).toEqual(['eu-central'])
    expect(pendingOf(setUp)).toBe(0)
  })

  test('a request whose only pool in time was late has timed out', async () => {
    const { run } = aDrained(0, [late, answers])
    expect(await run()).toEqual(err({ reason: 'pool_timeout' }))
  })

  test('a first attempt is free', async () => {
    const { run } = aDrained(0, [answers])
    expect(await run()).toMatchObject({ ok: true, value: { attempts: 1 } })
  })

  test('a second after that one more is, as the reserve comes back', async () => {
    const { asked, run, setUp } = aDrained(0, [failed, answers, failed, answers])
    setUp.runtime.advance(1000)
    expect(await run()).toMatchObject({ ok: true, value: { attempts: 2 } })
    expect(await run()).toMatchObject({ ok: false })
    expect(asked).toEqual(['eu-central', 'us-east', 'eu-central'])
  })

  test('requests that earn a half each have one retry for two', async () => {
    const { run } = aDrained(0.5, [failed, failed, answers, failed])
    expect(await run()).toMatchObject({ ok: false })
    expect(await run()).toMatchObject({ ok: true, value: { attempts: 2 } })
    expect(await run()).toMatchObject({ ok: false })
  })

  test('requests that earn one each are tried twice each, and no more', async () => {
    const { asked, run } = aDrained(1, [])
    for (let request = 0; request < 20; request += 1) expect((await run()).ok).toBe(false)
    expect(asked).toEqual(Array.from({ length: 20 }, () => ['eu-central', 'us-east']).flat())
  })
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
  const isHealthy = ({ view }: DispatchSetUp): boolean =>
    must(view.all.get('eu-central')).measures.breaker.kind === 'closed'

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
        const tried = await run({ key }, () => Promise.resolve(answers))
        return must(tried.ok ? tried.value : undefined).onOver
      }),
    )
    for (const onOver of ends) onOver(outcome)
    expect(isHealthy(setUp)).toBe(expected)
    expect(pendingOf(setUp)).toBe(0)
  })
})
