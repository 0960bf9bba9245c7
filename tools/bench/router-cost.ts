/**
 * `npm run bench:router`: CPU time of one decision, as markdown. A prompt of 100 KB is read for its anchors and 50 pools are
 * ranked for it, all measured, with what is cached where; what a request pays for routing before it is sent.
 */
import { promptOf, type Prompt } from '../../shared/affinity/prompt.ts'
import { place } from '../../shared/residency/place.ts'
import { meshSchema } from '../../shared/schema/mesh.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'
import type { Mesh } from '../../workers/mesh.ts'
import { rank } from '../../workers/stages/rank.ts'
import { watchDispatch } from '../../workers/stages/watch-dispatch.ts'
import { createPoolStates } from '../../workers/stores/pool-states.ts'
import { markdownTable, shown } from './markdown-table.ts'
import { summarize } from './statistics.ts'

const POOLS = 50
const PROMPT_BYTES = 100_000
const MESSAGES = 40
const RUNS = 2000
const WARM_UP_RUNS = 500
/** First tokens that are known of each pool before anything is measured. */
const ANSWERS_PER_POOL = 20

const config = meshSchema.parse({
  version: 1,
  regions: [
    { id: 'eu', jurisdiction: 'eu', latitude: 50, longitude: 8, location_hint: 'weur', colos: ['FRA'] },
  ],
  pools: Array.from({ length: POOLS }, (_, index) => ({
    id: `pool-${index}`,
    region: 'eu',
    dialect: 'vllm',
    url: `https://pool-${index}.example/v1`,
    models: [{ model: 'm' }],
  })),
  models: [{ id: 'm', context_length: 131_072 }],
  tenants: [{ id: 't', floor: { anywhere: true } }],
})
// What ranking reads of a mesh, and nothing else of it.
const mesh = { config, models: new Map(config.models.map((model) => [model.id, model])) } as unknown as Mesh
let clockMs = 1_000_000
const runtime = { now: () => clockMs, random: Math.random, randomHex: () => 'bench' }
const view = createPoolStates(runtime, { retryShare: 0.2 }).seenFrom('eu')
const placement = placed()

for (let answer = 0; answer < ANSWERS_PER_POOL * POOLS; answer += 1) dispatchTo(answer % POOLS)
const costs: { readonly prompt: number; readonly rank: number }[] = []
for (let run = 0; run < WARM_UP_RUNS + RUNS; run += 1) {
  const cost = decide(generationOf(`run ${run}`))
  if (run >= WARM_UP_RUNS) costs.push(cost)
}
console.log(
  markdownTable(
    [`${POOLS} pools, ${PROMPT_BYTES / 1000} KB of prompt, ${RUNS} decisions`, 'median, µs', 'p95, µs'],
    [
      row('anchors of the prompt', (cost) => cost.prompt),
      row('ranking', (cost) => cost.rank),
      row('both', (cost) => cost.prompt + cost.rank),
    ],
  ),
)

function row(name: string, ms: (cost: (typeof costs)[number]) => number): readonly string[] {
  const { p50, p95 } = summarize(costs.map(ms))
  return [name, shown(p50 * 1000), shown(p95 * 1000)]
}

function decide(generation: GenerationRequest): { prompt: number; rank: number } {
  clockMs += 10
  const began = performance.now()
  const prompt = readPrompt(generation)
  const read = performance.now()
  view.hotAnchors.note(prompt.anchors)
  rankFor(generation, prompt)
  return { prompt: read - began, rank: performance.now() - read }
}

function rankFor(generation: GenerationRequest, prompt: Prompt) {
  const [origin] = config.regions
  if (origin === undefined) throw new Error('the config has no region')
  return rank({ placement, modelVersion: '1', generation, prompt, key: 'a', origin }, { mesh, runtime, view })
}

/** A conversation that goes on at this pool, so that its beginning is known to be there. */
function dispatchTo(index: number): void {
  clockMs += 5
  const generation = generationOf(`conversation ${index % 5}`)
  const prompt = readPrompt(generation)
  const candidate = rankFor(generation, prompt).ranked.find(
    ({ placed: to }) => to.pool.id === `pool-${index}`,
  )
  if (candidate === undefined) throw new Error(`pool ${index} is not ranked`)
  const watch = watchDispatch({ candidate, prompt, key: 'a', view, runtime })
  clockMs += 50 + index
  watch.began(20)
  watch.over('completed', { promptTokens: 25_000, completionTokens: 100, cachedTokens: 20_000, raw: '' })
}

/** The first half of its messages is common to all. */
function generationOf(name: string): GenerationRequest {
  const bytes = PROMPT_BYTES / MESSAGES
  const messages = Array.from({ length: MESSAGES }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `${index < MESSAGES / 2 ? 'common' : name} ${index} `.padEnd(bytes, 'and so on, '),
  }))
  const body = { messages }
  return { surface: 'chat', model: 'm', stream: true, includeUsage: false, body, hints: {} }
}

function readPrompt({ surface, body, model }: GenerationRequest): Prompt {
  return promptOf({ surface, body, model, modelVersion: '1', secret: 'a secret', isRemembered: true })
}

function placed() {
  const [tenant, model] = [config.tenants[0], config.models[0]]
  const result = tenant && model && place({ config, tenant, model, arrival: { host: 'h' } })
  if (result?.ok !== true) throw new Error('the config has no place for a request')
  return result.value
}
