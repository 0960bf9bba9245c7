/** Third part: the EU's pool goes down; the bank is refused, and nothing of its prompt is anywhere else. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { ask, eventsOf, textOfEvent, type Asking } from './ask.ts'
import type { Colo, DemoMesh } from './demo-mesh.ts'
import { filesUnder, timesFound } from './search.ts'
import type { Teller } from './tell.ts'

const EU_POOL = 'eu-central'
const KILL_AFTER_EVENTS = 50
const LOGGED_WITHIN_MS = 5000
const POLL_MS = 20

const errorSchema = z.object({ error: z.object({ code: z.string() }) })

export async function euDown(mesh: DemoMesh, teller: Teller): Promise<void> {
  teller.title('3. The EU pool goes down, and eu-bank is refused')
  const marker = `account-${randomBytes(8).toString('hex')}`
  const bank: Asking = { tenant: 'eu-bank', colo: 'FRA', prompt: `Tell me a story about ${marker}.` }
  teller.say(
    `The tenant eu-bank may be served and stored in the EU only. Each of its prompts holds ${marker}. ` +
      'While it streams an answer, the only pool in the EU is killed:',
  )
  const ids = new Set<string>()
  await answeredThenCut(mesh, teller, { bank, ids })
  await refusedEverywhere(mesh, teller, { bank, ids })
  await expectLogged(mesh, ids)
  await searchEverywhere(mesh, teller, marker)
}

interface Bank {
  readonly bank: Asking
  /** Of all its requests, for finding them in the log. */
  readonly ids: Set<string>
}

async function answeredThenCut(mesh: DemoMesh, teller: Teller, { bank, ids }: Bank): Promise<void> {
  const stored = note(await ask(mesh, bank), ids)
  await stored.text()
  // Of the first part's kind: one that any pool could have gone on with.
  const streamed = note(await ask(mesh, { ...bank, prompt: `${bank.prompt} Aloud.` }, { stream: true }), ids)
  const quote = teller.quote()
  const events: string[] = []
  for await (const event of eventsOf(streamed)) {
    events.push(event)
    quote.write(textOfEvent(event))
    if (events.length === KILL_AFTER_EVENTS) {
      await mesh.pool(EU_POOL).kill()
      quote.mark(`[kill -9: the pool ${EU_POOL} is gone]`)
    }
  }
  quote.end()
  const pools = [stored, streamed].map(({ headers }) => headers.get('x-mesh-pool'))
  teller.claim(
    `Until then ${EU_POOL} served it.`,
    stored.status === 200 && pools.every((pool) => pool === EU_POOL),
  )
  const error = events.map(codeOf).find((code) => code !== undefined)
  teller.claim(
    `The answer that was cut says so (error "${error ?? 'none'}"), and no other pool went on with it.`,
    error !== undefined && !events.some((event) => event.includes('"finish_reason":"length"')),
  )
}

async function refusedEverywhere(mesh: DemoMesh, teller: Teller, { bank, ids }: Bank): Promise<void> {
  const colos: readonly Colo[] = ['FRA', 'IAD', 'SIN']
  const ways = colos.flatMap((colo) =>
    [false, true].flatMap((stream) => [0, 1].map((temperature) => ({ colo, stream, temperature }))),
  )
  const outcomes: string[] = []
  for (const [index, { colo, ...body }] of ways.entries()) {
    // A question of its own each: what the EU has stored it would go on serving.
    const prompt = `${index}: ${bank.prompt}`
    outcomes.push(await outcomeOf(note(await ask(mesh, { ...bank, colo, prompt }, body), ids)))
  }
  const counts = [...new Set(outcomes)].map(
    (outcome) => `${outcomes.filter((other) => other === outcome).length} times ${outcome}`,
  )
  teller.claim(
    `It asked ${ways.length} more times, in FRA, IAD and SIN: ${counts.join(', ')}.`,
    outcomes.every((outcome) => outcome === '503 no_eligible_pool'),
  )
  const asked = note(await ask(mesh, bank, {}, { 'x-mesh-residency': 'us' }), ids)
  const outcome = await outcomeOf(asked)
  teller.claim(`It asked to be served in the US: ${outcome}.`, outcome === '403 residency_violation')
  const other = await ask(mesh, { tenant: 'demo', colo: 'FRA', prompt: 'Who is there?' }, { max_tokens: 4 })
  await other.text()
  const pool = other.headers.get('x-mesh-pool')
  teller.claim(
    `Pools elsewhere were up: in the same data centre ${pool} answered the tenant demo.`,
    other.status === 200 && pool !== EU_POOL,
  )
}

async function searchEverywhere(mesh: DemoMesh, teller: Teller, marker: string): Promise<void> {
  const lines = Buffer.from(mesh.logs.join('\n'))
  const files = await filesUnder(mesh.storageDir)
  const stored = Buffer.concat(files)
  const places = [
    ...mesh.pools.map(({ id, received }) => ({ name: `sent to the pool ${id}`, bytes: received() })),
    { name: `stored: KV and objects on disk, ${files.length} files`, bytes: stored },
    { name: `logged: ${mesh.logs.length} lines`, bytes: lines },
  ].map(({ name, bytes }) => ({ name, size: bytes.length, found: timesFound(marker, bytes) }))
  teller.gap()
  teller.say(`Where ${marker} is, as it is or as hex, base64 or an unkeyed hash:`)
  teller.lines([
    row('', 'bytes', 'found'),
    ...places.map(({ name, size, found }) => row(name, size.toLocaleString('en'), String(found))),
  ])
  const isEu = (name: string): boolean => name.endsWith(EU_POOL)
  const outside = places.filter(({ name }) => !isEu(name)).reduce((sum, { found }) => sum + found, 0)
  const inside = places.filter(({ name }) => isEu(name)).reduce((sum, { found }) => sum + found, 0)
  teller.claim(
    `In all storage, in all logs and in all bytes that left for outside the EU: ${outside}.`,
    outside === 0,
  )
  teller.claim(`The same search in what was sent to the pool in the EU: ${inside}.`, inside > 0)
  await mesh.plant('planted', marker)
  const planted = timesFound(marker, Buffer.concat(await filesUnder(mesh.storageDir)))
  teller.claim(
    `The same search in the storage, once the demo has put it there itself: ${planted}.`,
    planted > 0,
  )
  const own = mesh.logs.filter((line) => line.includes('"tenant":"eu-bank"')).length
  teller.claim(`The log that was searched has ${own} lines of requests of eu-bank.`, own > 0)
}

function note(response: Response, ids: Set<string>): Response {
  ids.add(response.headers.get('x-request-id') ?? 'none')
  return response
}

/** Of an event that is an error. */
function codeOf(event: string): string | undefined {
  if (!event.startsWith('data: {')) return undefined
  return errorSchema.safeParse(JSON.parse(event.slice('data: '.length))).data?.error.code
}

async function outcomeOf(response: Response): Promise<string> {
  const text = await response.text()
  if (response.ok) return String(response.status)
  return `${response.status} ${errorSchema.parse(JSON.parse(text)).error.code}`
}

/** A line is written when a request has ended, for which its client does not wait. */
async function expectLogged(mesh: DemoMesh, ids: ReadonlySet<string>): Promise<void> {
  const deadline = Date.now() + LOGGED_WITHIN_MS
  const isMissing = (id: string): boolean => !mesh.logs.some((line) => line.includes(id))
  while ([...ids].some(isMissing)) {
    if (Date.now() > deadline) throw new Error('not every request was logged')
    await wait(POLL_MS)
  }
}

function row(name: string, size: string, found: string): string {
  return `${name.padEnd(48)}${size.padStart(12)}${found.padStart(8)}`.trimEnd()
}
