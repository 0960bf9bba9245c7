/** First part: a pool is killed in mid-answer, and the SDK gets the same text as if nothing had been. */
import { z } from 'zod'
import { bodyOf, readRun, sdk, undisturbed, type Asking } from './ask.ts'
import type { DemoMesh } from './demo-mesh.ts'
import type { Teller } from './tell.ts'

const ASKING: Asking = { tenant: 'demo', colo: 'IAD', prompt: 'Tell me a story about a lighthouse.' }
const KILL_AFTER_CHUNKS = 50

const factsSchema = z.object({ mesh: z.object({ pools: z.array(z.string()) }) })

export async function poolKilled(mesh: DemoMesh, teller: Teller): Promise<void> {
  teller.title('1. A pool is killed in mid-answer')
  const expected = await undisturbed(mesh, ASKING)
  teller.say(
    `A first answer, that nothing happens to, is kept to compare with: ${expected.length} characters. ` +
      'Now the unmodified openai SDK streams the same question, in Washington (IAD):',
  )
  const { data, response } = await sdk(mesh, ASKING)
    .chat.completions.create({ ...bodyOf(ASKING.prompt), stream: true })
    .withResponse()
  const first = response.headers.get('x-mesh-pool') ?? ''
  const quote = teller.quote()
  let [text, chunks, finish] = ['', 0, '']
  for await (const chunk of data) {
    const [choice] = chunk.choices
    const content = choice?.delta.content ?? ''
    text += content
    finish = choice?.finish_reason ?? finish
    quote.write(content)
    chunks += 1
    if (chunks === KILL_AFTER_CHUNKS) {
      await mesh.pool(first).kill()
      quote.mark(`[kill -9: the pool ${first} is gone, ${text.length} characters into its answer]`)
    }
  }
  quote.end()

  const pools = await poolsOf(mesh, response.headers.get('x-mesh-run') ?? '')
  const others = pools.filter((pool) => pool !== first)
  teller.claim(`The answer was begun by ${first} and ended by ${others.join(', ')}.`, others.length > 0)
  teller.claim(`The SDK saw a whole answer (finish_reason "${finish}") and no error.`, finish === 'length')
  teller.claim(
    `Its text is the same, character by character: ${commonLength(text, expected)} of ${expected.length}.`,
    text === expected && expected.length > 0,
  )
  await mesh.pool(first).restart()
}

/** Those that made a run, in their order. */
async function poolsOf(mesh: DemoMesh, run: string): Promise<readonly string[]> {
  const facts = await readRun(mesh, { ...ASKING, run }, { accept: 'application/json' })
  return factsSchema.parse(await facts.json()).mesh.pools
}

function commonLength(text: string, other: string): number {
  const end = Array.from({ length: text.length }, (_, index) => index).find(
    (index) => text[index] !== other[index],
  )
  return end ?? text.length
}
