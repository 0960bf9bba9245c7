/** Second part: a client loses its connection, and reads its answer on in another data centre. */
import { ask, eventsOf, readRun, textOfEvent, undisturbed, type Asking } from './ask.ts'
import type { DemoMesh } from './demo-mesh.ts'
import type { Teller } from './tell.ts'

const ASKING: Asking = { tenant: 'demo', colo: 'FRA', prompt: 'Tell me a story about a night train.' }
const DROP_AFTER_EVENTS = 50

export async function clientDrops(mesh: DemoMesh, teller: Teller): Promise<void> {
  teller.title('2. A client drops, and resumes through another data centre')
  const expected = await undisturbed(mesh, ASKING)
  const askedBefore = timesAsked(mesh)
  teller.say(
    'A client streams an answer in Frankfurt (FRA), loses its connection, and asks Singapore (SIN) for the rest:',
  )
  const quote = teller.quote()
  const response = await ask(mesh, ASKING, { stream: true }, { 'x-mesh-resumable': 'true' })
  const run = response.headers.get('x-mesh-run') ?? ''
  const begun: string[] = []
  for await (const event of eventsOf(response)) {
    begun.push(event)
    quote.write(textOfEvent(event))
    if (begun.length === DROP_AFTER_EVENTS) break
  }
  quote.mark(`[the connection is lost; GET /v1/generations/run_…?from=${begun.length} in SIN]`)
  const resumed = await readRun(mesh, { ...ASKING, colo: 'SIN', run }, { query: `?from=${begun.length}` })
  const rest: string[] = []
  for await (const event of eventsOf(resumed)) {
    rest.push(event)
    quote.write(textOfEvent(event))
  }
  quote.end()

  const text = [...begun, ...rest].map(textOfEvent).join('')
  const isWhole = begun.length === DROP_AFTER_EVENTS && rest.at(-1) === 'data: [DONE]'
  teller.claim(
    `${begun.length} events came in FRA and the ${rest.length} others in SIN, up to [DONE].`,
    isWhole,
  )
  teller.claim(
    `Together they are the text of an answer that nothing happens to: ${text.length} characters.`,
    text === expected && expected.length > 0,
  )
  const asked = timesAsked(mesh) - askedBefore
  teller.claim(`A pool was asked ${asked === 1 ? 'once' : `${asked} times`} for it.`, asked === 1)
}

/** How often any pool has received the prompt. */
function timesAsked(mesh: DemoMesh): number {
  const counts = mesh.pools.map(
    ({ received }) => received().toString('latin1').split(ASKING.prompt).length - 1,
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
