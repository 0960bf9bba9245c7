/** What a dispatch makes of the belief in what is cached where: of its own prompt at once, of others by what pools say. */
import { expect, test } from 'vitest'
import type { Prompt } from '../../../../shared/affinity/prompt.ts'
import type { AnswerOutcome } from '../../../../shared/log/answer-facts.ts'
import type { Usage } from '../../../../shared/log/frame.ts'
import { aPrompt, type PoolId } from '../a-dispatch.ts'
import { aWatched } from '../a-watched.ts'

/** Some thousand tokens each, and nothing in common. */
const ONE = aPrompt('one '.repeat(4000))
const OTHER = aPrompt('other '.repeat(4000))
const PROMPT_TOKENS = 4000

function aMemory() {
  const watched = aWatched()
  const { watch, view, runtime } = watched
  return {
    ...watched,
    believed: (prompt = ONE, pool: PoolId = 'eu-central') =>
      view.warmth.believed(prompt.anchors, pool, { promptTokens: PROMPT_TOKENS, nowMs: runtime.now() })
        .tokens,
    /** A whole dispatch that takes a second. */
    ask: (prompt: Prompt, told: Partial<Usage> | undefined, outcome: AnswerOutcome = 'completed'): void => {
      const dispatch = watch({ prompt, parts: { promptTokens: PROMPT_TOKENS } })
      runtime.advance(900)
      dispatch.began(20)
      runtime.advance(100)
      const usage = { promptTokens: PROMPT_TOKENS, completionTokens: 9, raw: '{}', ...told }
      dispatch.over(outcome, told === undefined ? undefined : usage)
    },
  }
}

test('a prompt is believed to be cached as soon as it is sent, at that pool alone', () => {
  const { watch, believed } = aMemory()
  expect(believed()).toBe(0)
  watch({ prompt: ONE })
  expect(believed()).toBeGreaterThan(3900)
  expect(believed(OTHER)).toBe(0)
  expect(believed(ONE, 'us-east')).toBe(0)
})

test.each<[string, Partial<Usage> | undefined, boolean]>([
  ['counts nothing', undefined, true],
  ['does not say what it had cached, which is not that it had nothing', {}, true],
  ['had it all', { cachedTokens: 3984 }, true],
  ['had nothing of it', { cachedTokens: 0 }, false],
])('the belief in another prompt outlives an answer whose pool %s: %s', (_name, told, outlives) => {
  const { ask, believed } = aMemory()
  ask(OTHER, { cachedTokens: 0 })
  ask(ONE, { cachedTokens: 0 })
  ask(ONE, told)
  expect(believed(OTHER) > 3000).toBe(outlives)
  // Now, at the latest, it has been computed.
  expect(believed(ONE)).toBeGreaterThan(3000)
})

test('an answer that nobody waited for puts nothing right', () => {
  const { ask, believed } = aMemory()
  ask(OTHER, { cachedTokens: 0 })
  ask(ONE, { cachedTokens: 0 })
  ask(ONE, { cachedTokens: 0 }, 'client_cancelled')
  expect(believed(OTHER)).toBeGreaterThan(3000)
})

test('nothing is believed of a prompt that may not be remembered, whatever its pool says', () => {
  const { ask, believed } = aMemory()
  const unremembered = { ...ONE, isRemembered: false }
  ask(unremembered, { cachedTokens: 0 })
  ask(unremembered, { cachedTokens: 3984 })
  expect(believed(ONE)).toBe(0)
})

test('a prompt that may not be remembered puts nothing right of others', () => {
  const { ask, believed } = aMemory()
  ask(OTHER, { cachedTokens: 0 })
  ask(ONE, { cachedTokens: 0 })
  ask({ ...ONE, isRemembered: false }, { cachedTokens: 0 })
  expect(believed(OTHER)).toBeGreaterThan(3000)
})
