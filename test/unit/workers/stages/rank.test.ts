/** What a ranking goes by of what an isolate knows: sizes, what is warm where, what belongs together, and what pools take. */
import { describe, expect, test } from 'vitest'
import type { Prompt } from '../../../../shared/affinity/prompt.ts'
import type { GenerationRequest } from '../../../../shared/schema/request.ts'
import { rank, type RankInput } from '../../../../workers/stages/rank.ts'
import { aDispatch, aPrompt, must, POOLS } from '../a-dispatch.ts'
import { placementOf } from '../a-ranking.ts'

const TEXT = 'A long story. '.repeat(1000)

function aRanked() {
  const { config, runtime, view, dependencies } = aDispatch(() => new Response())
  const models = new Map(config.models.map((model) => [model.id, model]))
  const mesh = { ...dependencies.mesh, models }
  return {
    view,
    runtime,
    rank: (prompt: Prompt, changes: Partial<GenerationRequest> = {}, about: Partial<RankInput> = {}) => {
      const generation: GenerationRequest = {
        surface: 'chat',
        model: 'story',
        stream: true,
        includeUsage: false,
        body: { messages: [{ role: 'user', content: 'Hi' }] },
        hints: {},
        ...changes,
      }
      const origin = must(config.regions[0])
      const input = {
        placement: placementOf(config),
        modelVersion: '1',
        key: 'demo/k1',
        generation,
        prompt,
        origin,
      }
      return rank({ ...input, ...about }, { mesh, runtime, view })
    },
  }
}

describe('the size of a prompt', () => {
  test('is four bytes a token where nobody has counted any', () => {
    const prompt = aPrompt(TEXT)
    const [first] = aRanked().rank(prompt).ranked
    expect(first?.parts).toMatchObject({ promptTokens: Math.ceil(prompt.anchors.bytes / 4), warmTokens: 0 })
  })

  test('is by what pools of the region have counted of prompts for the model', () => {
    const { view, rank: ranked } = aRanked()
    const story = { bytesPerToken: 7, samples: 50, bytes: 7, tokens: 1 }
    view.accept({
      region: 'eu-central',
      atMs: 1,
      pools: {},
      tokenRatios: { story, other: { ...story, bytesPerToken: 2 } },
    })
    const prompt = aPrompt(TEXT)
    expect(ranked(prompt).ranked[0]?.parts.promptTokens).toBe(Math.ceil(prompt.anchors.bytes / 7))
  })
})

test('what a pool is believed to have cached is counted for it, and for no other', () => {
  const { view, runtime, rank: ranked } = aRanked()
  const prompt = aPrompt(TEXT)
  view.warmth.note(prompt.anchors, 'us-east', runtime.now())
  const warm = ranked(prompt).ranked.map(({ placed, parts }) => [placed.pool.id, parts.warmTokens > 3000])
  expect(Object.fromEntries(warm)).toEqual({ 'us-east': true, 'eu-central': false, 'ap-southeast': false })
})

describe('the pools that a prompt is hashed to', () => {
  test('are two, and the same for whatever begins with it', () => {
    const { rank: ranked } = aRanked()
    const hashed = ranked(aPrompt(TEXT)).decision?.hashed
    expect(new Set(hashed).size).toBe(2)
    expect(POOLS).toEqual(expect.arrayContaining([...(hashed ?? [])]))
    expect(ranked(aPrompt(`${TEXT}And then?`)).decision?.hashed).toEqual(hashed)
  })

  test('are none of a prompt that has no beginning to speak of', () => {
    expect(aRanked().rank(aPrompt('Hi')).decision?.hashed).toEqual([])
  })

  test('are by what the client says belongs together, where it says so', () => {
    const { rank: ranked } = aRanked()
    const together = ['one', 'two'].map((text) => ranked({ ...aPrompt(text), hint: 7 }).decision?.hashed)
    expect(together[0]).toHaveLength(2)
    expect(together[0]).toEqual(together[1])
    const hashes = Array.from(
      { length: 20 },
      (_, hint) => ranked({ ...aPrompt('Hi'), hint }).decision?.hashed[0],
    )
    expect(new Set(hashes).size).toBeGreaterThan(1)
  })
})

describe('a pool is left out', () => {
  const reasons = ({ rejected }: ReturnType<ReturnType<typeof aRanked>['rank']>) =>
    rejected.map(({ reason }) => reason)

  test('whose dialect does not take a field of the body', () => {
    const { rank: ranked } = aRanked()
    const body = { messages: [], no_such_field: 1 }
    expect(reasons(ranked(aPrompt(), { body }))).toEqual(Array(3).fill('fields_not_supported'))
  })

  test('whose model is asked for more than it has room for', () => {
    const { rank: ranked } = aRanked()
    expect(reasons(ranked(aPrompt(), { tokenLimit: 32_769 }))).toEqual(Array(3).fill('context_too_long'))
    expect(reasons(ranked(aPrompt(), { tokenLimit: 32_768 }))).toEqual([])
  })
})

test('ranking changes nothing of what is known', () => {
  const { view, rank: ranked } = aRanked()
  const before = { looks: view.looks, hasNews: view.hasNews(), isFresh: view.isFresh, pools: view.all.size }
  const { looks } = ranked(aPrompt(TEXT))
  expect(looks).not.toEqual(before.looks)
  expect({ looks: view.looks, hasNews: view.hasNews(), isFresh: view.isFresh, pools: view.all.size }).toEqual(
    before,
  )
})
