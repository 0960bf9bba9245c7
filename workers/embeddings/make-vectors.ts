/** Has a pool make the vectors that are not known: in one call, in their order, each different input once. */
import { keyName } from '../../shared/affinity/pseudonym.ts'
import type { Prompt } from '../../shared/affinity/prompt.ts'
import { apportion } from '../../shared/embedding/apportion.ts'
import type { EmbeddingEntry } from '../../shared/embedding/entry.ts'
import { inputBytes } from '../../shared/embedding/input-size.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { tokensIn } from '../../shared/pool/token-ratio.ts'
import { ok, type Result } from '../../shared/result.ts'
import { explainRoute } from '../../shared/routing/explain.ts'
import { rankPools, type Candidate, type Ranking } from '../../shared/routing/rank.ts'
import type { EmbeddingInput } from '../../shared/schema/embeddings-request.ts'
import type { Edge } from '../edge.ts'
import { askForEmbeddings } from '../outgoing/ask-for-embeddings.ts'
import type { Patience } from '../patience.ts'
import { placedNow } from '../placed-now.ts'
import { mayAsk, tryCandidates } from '../stages/try-candidates.ts'
import type { RegionView } from '../stores/pool-states.ts'
import type { InputsNamed, ItemEntries } from './contexts.ts'
import { takesField } from './read-inputs.ts'
import type { VectorHold } from './vector-hold.ts'

export interface Making {
  readonly entries: ItemEntries
  readonly candidate: Candidate
  readonly attempts: number
  /** Why this pool, in a few words. */
  readonly route: string
  /** From asking the pool to its whole answer. */
  readonly tookMs: number
}

/** Items by their numbers. Fails as `tryCandidates` does, or with `edge_busy` where the isolate has no room for the answer. */
export async function makeVectors(
  context: InputsNamed,
  numbers: readonly number[],
  waiting: { readonly patience: Patience; readonly hold: VectorHold },
  edge: Edge,
): Promise<Result<Making, GatewayError>> {
  const { batch, embeddings, modelVersion, cacheSalt, edgeRegion: origin } = context
  const { endsByMs, signal } = waiting.patience
  const inputs = numbers.map((number) => batch.items[number]).filter((input) => input !== undefined)
  const key = keyName(context.keyId, cacheSalt)
  // It was placed before the shards were asked.
  const placed = await placedNow(context, edge)
  if (!placed.ok) return placed
  const view = edge.pools.embeddingsFrom(origin.id)
  const prompt = promptFrom(embeddings.model, inputs)
  const ranking = rankFor({ ...context, placement: placed.value }, { key, prompt, view }, edge)
  view.looks = ranking.looks
  view.requested()
  const takeRoom = (bytes: number): boolean => waiting.hold.take(bytes)
  const { params } = embeddings
  const job = { inputs, params, modelVersion, cacheSalt, origin, endsByMs, signal, takeRoom }
  const tried = await tryCandidates(
    {
      ranking,
      key,
      prompt,
      view,
      endsByMs,
      signal,
      mayAsk: async (candidate) => mayAsk(candidate, await placedNow(context, edge)),
    },
    async (candidate) => {
      const asked = await askForEmbeddings(candidate, job, edge)
      // The headers come with the vectors, and show nothing.
      return asked.ok ? ok({ ...asked.value, headersMs: undefined }) : asked
    },
    edge,
  )
  if (!tried.ok) return tried
  const { candidate, attempts, firstTokenMs: tookMs, value, onOver } = tried.value
  onOver('completed')

  const { pool } = candidate.placed
  const about = { pool: pool.id, model: embeddings.model, modelVersion, ...timesOf(context, edge) }
  const counts = countsOf(value.promptTokens, inputs)
  const entries = new Map<number, EmbeddingEntry>()
  for (const [index, vector] of value.vectors.entries()) {
    const number = numbers[index]
    const promptTokens = counts?.[index]
    const counted = promptTokens === undefined ? {} : { promptTokens }
    if (number !== undefined) entries.set(number, { ...about, vector, ...counted })
  }
  return ok({ entries, candidate, attempts, tookMs, route: explainRoute(ranking, pool.id) })
}

/** Nothing of it is cached anywhere: its size is all that counts. */
function promptFrom(model: string, inputs: readonly EmbeddingInput[]): Prompt {
  const bytes = inputs.reduce((sum, input) => sum + inputBytes(input), 0)
  return { model, anchors: { bytes, list: [] }, isRemembered: false }
}

function rankFor(
  context: InputsNamed,
  { key, prompt, view }: { readonly key: string; readonly prompt: Prompt; readonly view: RegionView },
  edge: Edge,
): Ranking {
  const { placement, model, modelVersion, embeddings, edgeRegion: origin } = context
  const { runtime, mesh } = edge
  const { anchors } = prompt
  const fields = ['input', ...Object.keys(embeddings.params)]
  return rankPools({
    placement,
    version: modelVersion,
    key,
    origin,
    states: view.all,
    nowMs: runtime.now(),
    size: { promptTokens: tokensIn(anchors.bytes, view.tokenRatio(prompt.model)), outputTokens: 0 },
    looks: view.looks,
    msPerCent: mesh.config.routing.ms_per_cent,
    draw: runtime.random(),
    acceptsFields: (pool) => fields.every((field) => takesField(pool, model, field)),
  })
}

function timesOf({ keeping }: InputsNamed, edge: Edge): { createdAtMs: number; expiresAtMs: number } {
  const createdAtMs = edge.runtime.now()
  const ttlSeconds = keeping.kind === 'kept' ? keeping.ttlSeconds : 0
  return { createdAtMs, expiresAtMs: createdAtMs + ttlSeconds * 1000 }
}

/** A pool states one sum; tokens go roughly by bytes. */
function countsOf(promptTokens: number | undefined, inputs: readonly EmbeddingInput[]): number[] | undefined {
  return promptTokens === undefined ? undefined : apportion(promptTokens, inputs.map(inputBytes))
}
