import { describe, expect, test } from 'vitest'
import { createCore, statsOf, type Core } from '../../../../tools/local/engine/core.ts'
import { generate } from '../../../../tools/local/engine/generation.ts'
import type { GenerationRequest } from '../../../../tools/local/engine/generation-request.ts'
import { settle as settleOptions, type EngineOptions } from '../../../../tools/local/engine/options.ts'
import type { GenerationStep } from '../../../../tools/local/engine/step.ts'
import { encode } from '../../../../tools/local/engine/tokenizer.ts'
import { createFakeClock, settle, type FakeClock } from './fake-clock.ts'

const PROMPT = encode('The lantern beside the old bridge. '.repeat(20)).slice(0, 100)

interface Running {
  readonly steps: GenerationStep[]
  /** When each token came. */
  readonly atMs: number[]
  readonly cached: number[]
  isOver: boolean
  abort(): void
}

function setUp(options: EngineOptions): {
  core: Core
  clock: FakeClock
  readonly run: (more?: Partial<GenerationRequest>) => Running
} {
  const clock = createFakeClock()
  const core = createCore(settleOptions({ ...options, clock }))
  return { core, clock, run: (more = {}) => start(core, more) }
}

function start(core: Core, more: Partial<GenerationRequest>): Running {
  const controller = new AbortController()
  const ticket = core.scheduler.enter(controller.signal, more.choices)
  if (ticket === undefined) throw new Error('the queue is full')
  const running: Running = {
    steps: [],
    atMs: [],
    cached: [],
    isOver: false,
    abort: () => controller.abort(),
  }
  const request: GenerationRequest = {
    prompt: PROMPT,
    cacheSalt: undefined,
    choices: 1,
    maxTokens: 4,
    minTokens: 0,
    temperature: 0,
    seed: undefined,
    stops: [],
    ignoreEos: false,
    grammar: undefined,
    ...more,
  }
  const batches = generate(core, {
    request,
    ticket,
    slowFactor: 1,
    breakAfterTokens: undefined,
    signal: controller.signal,
    arrivedMs: core.settings.clock.nowMs(),
  })
  void (async () => {
    for await (const { steps, cachedTokens } of batches) {
      for (const step of steps) {
        running.steps.push(step)
        running.atMs.push(core.settings.clock.nowMs())
        running.cached.push(cachedTokens)
      }
    }
    running.isOver = true
  })()
  return running
}

/** For generations without latency: they let others go on now and then, and take no time. */
async function untilOver(running: Running): Promise<void> {
  while (!running.isOver) await settle()
}

const TIMES = { prefillOverheadMs: 20, prefillTimePerTokenMs: 1, interTokenLatencyMs: 10 }

describe('a generation', () => {
  test('takes the prompt’s time, then gives a token at every inter-token latency', async () => {
    const { clock, run } = setUp(TIMES)
    const running = run()
    await clock.advance(119)
    expect(running.steps).toEqual([])
    await clock.advance(1_000)
    expect(running.atMs).toEqual([120, 130, 140, 150])
    expect(running.isOver).toBe(true)
  })

  test('computes only what the cache does not hold, and never nothing', async () => {
    const { core, clock, run } = setUp(TIMES)
    run()
    await clock.advance(1_000)
    const second = run()
    await clock.advance(1_000)
    // 100 tokens are 6 blocks and 4 tokens.
    expect(second.cached).toEqual([96, 96, 96, 96])
    expect(second.atMs[0]).toBe(1_000 + 20 + 4)
    expect(statsOf(core)).toEqual({
      requests: 0,
      generations: 2,
      embeddings: 0,
      prompt_tokens_computed: 104,
      prompt_tokens_cached: 96,
      tokens_generated: 8,
      running: 0,
      aborted: 0,
    })
  })

  test.each([
    // Read were 127 and 128 of the 128 and 129 tokens: 7 blocks, and exactly 8.
    [28, 112],
    [29, 128],
  ])(
    'leaves its own %i tokens in the cache, but the last, for the turn that follows',
    async (made, cached) => {
      const { clock, run } = setUp({})
      const first = run({ maxTokens: made })
      await clock.advance(0)
      const tokens = first.steps.map(({ token }) => token)
      const next = run({ prompt: [...PROMPT, ...tokens, ...encode(' More.')] })
      await clock.advance(0)
      expect(next.cached[0]).toBe(cached)
    },
  )

  test('never finds what was computed under another salt', async () => {
    const { clock, run } = setUp({})
    run({ cacheSalt: 'a' })
    await clock.advance(0)
    const other = run({ cacheSalt: 'b' })
    const same = run({ cacheSalt: 'a' })
    await clock.advance(0)
    expect([other.cached[0], same.cached[0]]).toEqual([0, 96])
  })

  test('writes the same text from a cold cache and a warm one', async () => {
    const { clock, run } = setUp({})
    const [cold, warm] = [run({ maxTokens: 40 }), run({ maxTokens: 40 })]
    await clock.advance(0)
    expect(warm.steps).toEqual(cold.steps)
  })

  test('is slower the fuller the batch is, and speeds up when others leave', async () => {
    const { clock, run } = setUp({
      ...TIMES,
      prefillOverheadMs: 0,
      prefillTimePerTokenMs: 0,
      maxNumSeqs: 3,
      timeFactorUnderLoad: 3,
    })
    const long = run({ maxTokens: 6 })
    const short = run({ maxTokens: 3 })
    await clock.advance(1_000)
    // Two of three: factor 2. The short one leaves at 40; the gap then begun still has two in it.
    expect(short.atMs).toEqual([0, 20, 40])
    expect(long.atMs).toEqual([0, 20, 40, 60, 70, 80])
  })

  test('waits while the batch is full, and its first token comes that much later', async () => {
    const { core, clock, run } = setUp({ ...TIMES, maxNumSeqs: 1 })
    run()
    const second = run({ prompt: PROMPT.slice(0, 10) })
    await clock.advance(149)
    expect([core.scheduler.running(), core.scheduler.waiting(), second.steps.length]).toEqual([1, 1, 0])
    await clock.advance(1_000)
    expect(second.atMs[0]).toBe(150 + 20 + 10)
  })

  test.each([
    ['waits', 10, { generations: 1, prompt_tokens_computed: 100, tokens_generated: 4 }],
    [
      'computes the prompt',
      150 + 60,
      { generations: 2, prompt_tokens_computed: 100 + 50, tokens_generated: 4 },
    ],
    ['writes', 150 + 135, { generations: 2, prompt_tokens_computed: 200, tokens_generated: 4 + 2 }],
  ])('ends at once when it is aborted while it %s, and frees its place', async (_, abortAtMs, expected) => {
    const { core, clock, run } = setUp({ ...TIMES, maxNumSeqs: 1 })
    run()
    const second = run({ cacheSalt: 'its own', maxTokens: 50 })
    await clock.advance(abortAtMs)
    second.abort()
    await settle()
    expect(second.isOver).toBe(true)
    expect(second.steps.some(({ finish }) => finish !== undefined)).toBe(false)
    await clock.advance(1_000)
    expect(statsOf(core)).toMatchObject({ ...expected, running: 0 })
    expect(core.sequences.size).toBe(0)
  })

  test('ends by length at the limit and by stop at a stop string, which is not in the text', async () => {
    const { clock, run } = setUp({})
    const whole = run({ maxTokens: 30 })
    await clock.advance(0)
    const text = whole.steps.map((step) => step.text).join('')
    expect(whole.steps.at(-1)?.finish).toEqual({ reason: 'length', stop: null })
    const stop = text.slice(50, 58)
    const stopped = run({ maxTokens: 30, stops: [stop, 'never written'] })
    await clock.advance(0)
    expect(stopped.steps.map((step) => step.text).join('')).toBe(text.slice(0, text.indexOf(stop)))
    expect(stopped.steps.at(-1)?.finish).toEqual({ reason: 'stop', stop })
  })

  test('gives the place of a choice that is over to who waits, while the others write on', async () => {
    const { core, clock, run } = setUp({ interTokenLatencyMs: 10, maxNumSeqs: 2 })
    const both = run({ choices: 2, maxTokens: 1_000 })
    await clock.advance(0)
    const next = run()
    const isOpen = () => both.steps.every(({ finish }) => finish === undefined)
    for (let at = 0; at < 300 && isOpen(); at += 1) await clock.advance(10)
    await clock.advance(0)
    expect(both.steps.filter(({ finish }) => finish !== undefined).length).toBe(1)
    expect(both.isOver).toBe(false)
    expect(next.steps.length).toBe(1)
    expect([core.scheduler.running(), core.scheduler.waiting()]).toEqual([2, 0])
    await clock.advance(3_000)
    expect([both.isOver, next.isOver, core.scheduler.running()]).toEqual([true, true, 0])
  })

  test('goes on past the turn’s end when told to ignore it, or when it is still too short', async () => {
    const { run } = setUp({})
    const natural = run({ maxTokens: 1_000 })
    await untilOver(natural)
    const length = natural.steps.length
    expect(natural.steps.at(-1)).toMatchObject({ text: '', finish: { reason: 'stop', stop: null } })
    const ignoring = run({ maxTokens: 1_000, ignoreEos: true })
    const longer = run({ maxTokens: 1_000, minTokens: length })
    await untilOver(ignoring)
    await untilOver(longer)
    expect(ignoring.steps.length).toBe(1_000)
    expect(ignoring.steps.at(-1)?.finish?.reason).toBe('length')
    expect(longer.steps.length).toBeGreaterThan(length)
    expect(longer.steps.at(-1)?.finish?.reason).toBe('stop')
  })
})
