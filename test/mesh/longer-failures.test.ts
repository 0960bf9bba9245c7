/** A longer answer that fails takes nothing away from the shorter one, and is tried again. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { said, startOneEngine, type OneEngineMesh } from '../support/one-engine.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }
const FORMS = [
  ['JSON', {}],
  ['streams', STREAM],
] as const
const WAIT = { timeout: 20_000, interval: 20 }

let one: OneEngineMesh
beforeAll(async () => {
  one = await startOneEngine({ changes: { limits: { quarantine_ms: 1 } } })
})
afterAll(() => one.mesh.stop())
beforeEach(() => one.engine.clearFaults())

describe('an extension that fails', () => {
  const TEN = { max_tokens: 10, ignore_eos: true }
  const FORTY = { max_tokens: 40, ignore_eos: true }

  test.each(FORMS)('by a pool that dies is finished by another, for %s', async (_form, form) => {
    for (const after of [0, 1, 7, 29]) {
      const prompt = one.fresh()
      await one.ask(prompt, TEN)
      one.engine.setFaults({ die_after_tokens: after, times: 1 })
      const answer = await one.ask(prompt, { ...FORTY, ...form })
      expect([after, answer.word]).toEqual([after, 'extended'])
      expect(said(answer)).toEqual(said(await one.uninterrupted(prompt, FORTY)))
      expect((await one.ask(prompt, FORTY)).word).toBe('hit')
    }
  })

  test.each(FORMS)('by two is an error, for %s, and the shorter one is still there', async (_form, form) => {
    const prompt = one.fresh()
    const ten = await one.ask(prompt, TEN)
    one.engine.setFaults({ die_after_tokens: 5 })
    const answer = await one.ask(prompt, { ...FORTY, ...form })
    expect([answer.error, answer.finish]).toEqual(['stream_truncated', null])
    const before = one.made()
    const again = await one.ask(prompt, TEN)
    expect([again.word, said(again)]).toEqual(['hit', said(ten)])
    expect(one.since(before).generations).toBe(0)

    one.engine.clearFaults()
    await expect.poll(async () => (await one.ask(prompt, FORTY)).status, WAIT).toBe(200)
    expect(said(await one.ask(prompt, FORTY))).toEqual(said(await one.uninterrupted(prompt, FORTY)))
  })

  test.each(FORMS)('since no pool takes it is an error, for %s, and nothing is lost', async (_form, form) => {
    const prompt = one.fresh()
    const ten = await one.ask(prompt, TEN)
    one.engine.setFaults({ status: 500 })
    const answer = await one.ask(prompt, { ...FORTY, ...form })
    expect(answer.error).toBeDefined()
    expect(answer.finish).toBeNull()
    const again = await one.ask(prompt, TEN)
    expect([again.word, said(again)]).toEqual(['hit', said(ten)])

    one.engine.clearFaults()
    await expect.poll(async () => (await one.ask(prompt, FORTY)).status, WAIT).toBe(200)
    expect(said(await one.ask(prompt, FORTY))).toEqual(said(await one.uninterrupted(prompt, FORTY)))
  })
})
