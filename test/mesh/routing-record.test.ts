/** What is logged of a decision is enough to decide again, and says nothing of what was asked. */
import { afterEach, expect, test } from 'vitest'
import { repick } from '../../shared/routing/describe.ts'
import { routeLines } from '../../tools/bench/route-lines.ts'
import { chat, type ChatOptions } from '../support/chat.ts'
import { embed } from '../support/embed.ts'
import { MARKER } from '../support/leak-watch.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const WAIT = { timeout: 10_000 }
const COLOS = ['FRA', 'IAD', 'SIN']
const KINDS: readonly ChatOptions[] = [
  { body: { max_tokens: 2 } },
  { body: { max_tokens: 2, stream: true, user: MARKER } },
  { body: { max_tokens: 2, temperature: 0 } },
  { body: { max_tokens: 2 }, headers: { 'x-mesh-affinity': MARKER } },
  { body: { max_tokens: 2 }, tenant: 'eu-bank' },
]
const ROUNDS = 6

/** Everything that a line may hold; what is new here is to be thought about. */
const NAMES = new Set(
  [
    'event at request origin answered_by first_token_ms attempts error',
    'reason draw hashed look kind candidates rejected retry_after_ms',
    'pool region estimate_ms score_ms measured last_resort parts',
    'rtt_ms intercept_ms queue_ms prefill_ms guard_ms price_ms',
    'prompt_tokens warm_tokens ms_per_token load noise_ms',
  ].flatMap((names) => names.split(' ')),
)

test('every decision of a mixed run comes out of its record again, and no record tells of a prompt', async () => {
  const started = (mesh = await startMesh({ colos: COLOS, config: logging(1) }))
  const asked = await mixedRun(started)
  await expect.poll(() => routeLines(started.logs).length, WAIT).toBe(asked)

  const lines = routeLines(started.logs)
  for (const line of lines) {
    expect(repick(line)).toEqual({ pool: line.candidates[0]?.pool, reason: line.reason })
  }
  // None of them was alone, or the pick would say nothing.
  expect(lines.filter(({ candidates }) => candidates.length > 1).length).toBeGreaterThan(asked / 2)
  expect(new Set(lines.map(({ origin }) => origin)).size).toBe(COLOS.length)
  expect(lines.filter(({ attempts = 0 }) => attempts > 1).length).toBeGreaterThan(0)

  const names = lines.flatMap(namesIn).filter((name) => !NAMES.has(name))
  expect(names).toEqual([])
  const text = JSON.stringify(lines).toLowerCase()
  const secrets = [
    MARKER,
    MARKER.slice(2, 11),
    'question',
    KEYS.demo,
    'eu-bank',
    started.engines['us-east']?.url,
  ]
  expect(secrets.filter((secret = '') => text.includes(secret.toLowerCase()))).toEqual([])
})

test('a record that was tampered with does not give the pick it names', async () => {
  const started = (mesh = await startMesh({ colos: ['FRA'], config: logging(1) }))
  await (await chat(started, 'FRA', 'Where to?', KINDS[0])).text()
  await expect.poll(() => routeLines(started.logs).length, WAIT).toBe(1)
  const [logged] = routeLines(started.logs)
  if (logged === undefined) throw new Error('nothing was logged')
  const { look: _elsewhere, ...line } = logged
  const [first, ...others] = line.candidates
  if (first === undefined) throw new Error('nothing was ranked')
  const slower = { ...first, parts: { ...first.parts, queue_ms: 1000 } }
  expect(repick({ ...line, candidates: [slower, ...others] })?.pool).not.toBe(first.pool)
})

test('where the share of decisions to log is 0, none is', async () => {
  const started = (mesh = await startMesh({ colos: COLOS, config: logging(0) }))
  await mixedRun(started)
  // One line per request is logged whatever happens; so it is known that nothing more comes.
  await expect.poll(() => started.logs.length, WAIT).toBeGreaterThanOrEqual(KINDS.length * ROUNDS)
  expect(routeLines(started.logs)).toEqual([])
})

function logging(share: number) {
  return (urls: Readonly<Record<string, string>>) => aMeshConfig(urls, { routing: { log_share: share } })
}

/** Gives how many requests were sent to a pool to be answered word by word. */
async function mixedRun(started: TestMesh): Promise<number> {
  let asked = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round === 3) started.engines['eu-central']?.setFaults({ die_after_tokens: 0, times: 2 })
    for (const [index, kind] of KINDS.entries()) {
      const colo = COLOS[(round + index) % COLOS.length] ?? ''
      const question = `${MARKER} question ${index} of round ${round}`
      await (await chat(started, colo, question, kind)).text()
      asked += 1
    }
  }
  await embed(started, 'FRA', [MARKER])
  // It is known by now where it was asked, and goes to no pool.
  await (await chat(started, 'SIN', `${MARKER} question 2 of round 0`, KINDS[2])).text()
  return asked
}

function namesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)])
}
