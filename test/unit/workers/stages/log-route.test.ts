/** A decision is logged with all it went by, so that it can be made again from the line alone; and with nothing of a prompt. */
import { describe, expect, test } from 'vitest'
import { err } from '../../../../shared/result.ts'
import { repick, type DescribedRanking } from '../../../../shared/routing/describe.ts'
import { logRoute } from '../../../../workers/stages/log-route.ts'
import type { DispatchDependencies } from '../../../../workers/stages/try-candidates.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { engineEvents, engineText } from '../../../support/token-engine.ts'
import { dyingAnswer, eventStream } from '../a-dying-pool.ts'
import { aProduction, readToEnd, type ProductionCall, type ProductionOptions } from '../a-production.ts'
import { aRanking } from '../a-ranking.ts'
import { aRuntime } from '../a-runtime.ts'
import { must } from '../must.ts'

interface Line extends DescribedRanking {
  readonly event: string
  readonly answered_by?: string
}

const answers = ({ body }: ProductionCall): Response => eventStream(engineText(engineEvents(body)))

/** What is in the log, as JSON, after an answer was made and read. */
async function linesOf(
  answer: (call: ProductionCall) => Response,
  logShare: number,
  { random = 0.5, ...options }: Omit<ProductionOptions, 'runtime'> & { readonly random?: number } = {},
): Promise<readonly string[]> {
  const lines: string[] = []
  const runtime = aRuntime({ random: () => random, log: (line) => void lines.push(JSON.stringify(line)) })
  const config = { routing: { log_share: logShare } }
  const produced = await aProduction(answer, { runtime, config, ...options }).run()
  if (produced.ok) await readToEnd(produced.value.answer)
  return lines
}

function parsed(line: string | undefined): Line {
  // Written by the product just now.
  return JSON.parse(must(line)) as Line
}

describe('of every decision', () => {
  test('there is one line at a share of 1, from which the pick can be made again', async () => {
    const lines = await linesOf(answers, 1)
    expect(lines).toHaveLength(1)
    const line = parsed(lines[0])
    expect(line).toMatchObject({
      event: 'route',
      at: '1970-01-01T00:16:40.000Z',
      request: 'req_1',
      origin: 'eu-central',
      answered_by: 'eu-central',
      first_token_ms: 0,
      attempts: 1,
      reason: 'best',
      draw: 0.5,
      rejected: [],
    })
    expect(line.candidates.map(({ pool }) => pool)).toEqual(['eu-central', 'us-east', 'ap-southeast'])
    expect(repick(line)).toEqual({ pool: 'eu-central', reason: 'best' })
  })

  test.each([
    [0, 0, 0],
    [0.25, 0.24, 1],
    [0.25, 0.25, 0],
    [1, 0.999, 1],
  ])('at a share of %d, where chance says %d: so many lines: %i', async (share, random, count) => {
    expect(await linesOf(answers, share, { random })).toHaveLength(count)
  })

  test('there are two where a pool died in its answer and another went on, each with who answered', async () => {
    const lines = await linesOf(
      (call) =>
        call.turn === 0
          ? dyingAnswer(engineText(engineEvents(call.body), 4), 'break', call.signal)
          : answers(call),
      1,
    )
    expect(lines.map((line) => parsed(line).answered_by)).toEqual(['eu-central', 'us-east'])
  })

  test('there is who was chosen and who answered, where it was not the first choice', async () => {
    const [line] = await linesOf(
      (call) => (call.turn === 0 ? new Response('', { status: 500 }) : answers(call)),
      1,
    )
    expect(parsed(line)).toMatchObject({ answered_by: 'us-east', attempts: 2 })
    expect(repick(parsed(line))?.pool).toBe('eu-central')
  })

  test('there is why nobody answered', async () => {
    const [line] = await linesOf(() => new Response('', { status: 400 }), 1)
    expect(parsed(line)).toMatchObject({ error: 'pool_rejected_request' })
    expect(parsed(line)).not.toHaveProperty('answered_by')
  })
})

test('nothing that a client wrote is in it', async () => {
  const body = {
    messages: [
      { role: 'system', content: 'PRIVATE system' },
      { role: 'user', content: 'PRIVATE question '.repeat(500) },
    ],
    user: 'PRIVATE user',
  }
  const lines = await linesOf(answers, 1, { body, affinity: 'PRIVATE-conversation' })
  expect(lines).toHaveLength(1)
  expect(lines.join('')).not.toContain('PRIVATE')
})

describe('a ranking', () => {
  /** Twelve pools at one place, which nobody can tell apart. */
  const EQUALS = aMeshConfig(
    {},
    {
      pools: Array.from({ length: 12 }, (_, index) => ({
        id: `pool-${index}`,
        region: 'eu-central',
        dialect: 'vllm',
        url: `http://pool-${index}.test/v1`,
        models: [{ model: 'story', served: 'story-8b' }],
      })),
    },
  )

  function logged(draw: number, log: (line: object) => void): string {
    const ranking = aRanking(EQUALS, { draw })
    const mesh = { config: { ...EQUALS, routing: { ...EQUALS.routing, log_share: 1 } } }
    const dispatched = err({ reason: 'no_eligible_pool' as const, retryAfterSeconds: 1 })
    const origin = must(EQUALS.regions[0])
    // Of its dependencies, it uses what is here.
    const dependencies = { mesh, runtime: aRuntime({ log }) } as unknown as DispatchDependencies
    logRoute({ name: 'req_1', origin, ranking, dispatched }, dependencies)
    return must(ranking.ranked[0]).placed.pool.id
  }

  test('of many equals can be made again, whichever of them was drawn', () => {
    const picks = new Set<string>()
    for (let draw = 0; draw < 1; draw += 0.04) {
      const lines: Line[] = []
      const picked = logged(draw, (line) => lines.push(parsed(JSON.stringify(line))))
      expect(repick(must(lines[0]))).toEqual({ pool: picked, reason: 'spread' })
      picks.add(picked)
    }
    expect(picks.size).toBe(12)
  })

  test('that cannot be logged fails nobody', () => {
    expect(() =>
      logged(0.5, () => {
        throw new Error('the log is gone')
      }),
    ).not.toThrow()
  })
})
