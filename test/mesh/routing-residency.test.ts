/** What routing learns of prompts is in no log, and of a restricted tenant in no data centre where the prompts may not be. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repick, type DescribedRanking } from '../../shared/routing/describe.ts'
import { askToExplain, explain } from '../support/admin.ts'
import { chat } from '../support/chat.ts'
import { MARKER, startLeakWatch, type LeakWatch } from '../support/leak-watch.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { about, aText, tellOf } from '../support/prompts.ts'

const KNOWN_MEMBERS: ReadonlySet<string> = new Set(
  (
    'answered_by at attempts candidates draw error estimate_ms event first_token_ms guard_ms hashed intercept_ms kind ' +
    'last_resort load look measured ms_per_token noise_ms origin parts pool prefill_ms price_ms prompt_tokens queue_ms ' +
    'reason region rejected request retry_after_ms rtt_ms score_ms warm_tokens'
  ).split(' '),
)

describe('lines about routes', () => {
  let watch: LeakWatch
  beforeAll(async () => {
    watch = await startLeakWatch({ routing: { log_share: 1 } })
  })
  afterAll(() => watch.stop())

  const lines = () => watch.mesh.logs.filter((line) => line.includes('"event":"route"'))

  test('hold nothing of a prompt, of what is said to belong together, or of where a pool is', async () => {
    const long = `${MARKER} ${aText(MARKER, 400)} ${MARKER}`
    const hints = [
      { headers: { 'x-mesh-affinity': MARKER } },
      { body: { prompt_cache_key: MARKER } },
      { headers: { 'x-mesh-affinity': MARKER.repeat(15) } },
      { headers: { 'x-mesh-affinity': `${MARKER} ${MARKER}` } },
    ]
    let answered = 0
    for (const { headers = {}, body = {} } of hints) {
      for (const sampling of [{}, { temperature: 0, stream: true }]) {
        const asked = chat(watch.mesh, 'FRA', `${long} ${answered}`, {
          headers,
          body: { ...body, ...sampling, max_tokens: 2 },
        })
        if ((await watch.note(await asked)).status === 200) answered += 1
      }
      const query = { tenant: 'demo', colo: 'FRA' }
      const messages = [{ role: 'user', content: long }]
      const explained = askToExplain(watch.mesh, {
        query,
        headers,
        body: { model: 'story', messages, ...body },
      })
      watch.noteText((await watch.note(await explained)).text)
    }
    // The hint with a space in it is refused.
    expect(answered).toBe(6)
    await expect.poll(() => lines().length).toBe(6)
    watch.expectNoTrace()
  })

  test('have members of ours only, from which the pick follows', () => {
    for (const line of lines()) {
      const found = JSON.parse(line) as DescribedRanking
      expect(repick(found)?.pool).toBe(found.candidates[0]?.pool)
      expect(membersOf(found).filter((member) => !KNOWN_MEMBERS.has(member))).toEqual([])
    }
  })
})

describe('where a prompt of a tenant of the EU was sent', () => {
  let mesh: TestMesh
  beforeAll(async () => {
    mesh = await startMesh({ colos: ['FRA', 'AMS', 'IAD', 'SIN'], distances: false })
  })
  afterAll(() => mesh.stop())

  test.each([
    ['FRA', true],
    ['AMS', true],
    ['IAD', false],
    ['SIN', false],
  ])('is remembered at %s: %s', async (colo, isRemembered) => {
    const document = aText(`heard at ${colo}`, 2000)
    const question = about(document, 'What of it?')
    const known = async (tenant: 'demo' | 'eu-bank') => {
      await tellOf(mesh, colo, question, { tenant })
      const body = { model: 'story', messages: about(document, 'And then?') }
      const { candidates } = await explain(mesh, { query: { tenant, colo }, body })
      return Math.max(...candidates.map(({ warm_tokens: tokens }) => tokens)) > 1000
    }
    expect(await known('eu-bank')).toBe(isRemembered)
    expect(await known('demo')).toBe(true)
    // The pool has it: the tenant only loses what knowing that would have been worth.
    expect((await tellOf(mesh, colo, question, { tenant: 'eu-bank' })).cachedTokens).toBeGreaterThan(1900)
  })
})

/** Names of all members of a value, at any depth. */
function membersOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(membersOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [name, ...membersOf(member)])
}
