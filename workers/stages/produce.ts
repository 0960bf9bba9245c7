/**
 * Makes an answer: ranks the pools of a placement, dispatches, and has other pools go on where the one that answers dies.
 * The edge does this for itself on the private path, a log shard for all its readers on the shared one.
 */
import type { Prompt } from '../../shared/affinity/prompt.ts'
import type { GatewayError } from '../../shared/errors.ts'
import type { PoolUse } from '../../shared/ledger/settlement.ts'
import { isContinuable } from '../../shared/log/continuation.ts'
import { tokensIn } from '../../shared/pool/token-ratio.ts'
import type { Placement } from '../../shared/residency/place.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { Candidate, Ranking } from '../../shared/routing/rank.ts'
import type { Region, Tenant } from '../../shared/schema/mesh.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'
import type { BegunAnswer } from '../outgoing/ask-pool.ts'
import { continuedAnswer } from '../stream/continued-answer.ts'
import { meteredAnswer } from '../stream/metered-answer.ts'
import type { PoolAnswer } from '../stream/pool-answer.ts'
import type { RegionView } from '../stores/pool-states.ts'
import { dispatch, type Dispatched } from './dispatch.ts'
import { logRoute } from './log-route.ts'
import { promptFor } from './prompt-for.ts'
import { rank } from './rank.ts'
import { mayAsk, type DispatchDependencies } from './try-candidates.ts'

export interface ProduceInput {
  /** Asked again before every dispatch: rules that changed in the meantime hold for it. */
  readonly placement: () => Promise<Result<Placement, GatewayError>>
  readonly tenant: Tenant
  readonly generation: GenerationRequest
  readonly modelVersion: string
  readonly cacheSalt: string
  /** Whose request it is, as the pools' states know it. */
  readonly key: string
  /** Where the pools are called from: the edge's region, or a log's home. */
  readonly origin: Region
  /** What the client says belongs together. */
  readonly affinity?: string
  /** Whether it may be remembered here, after the request, which prompts went where. */
  readonly isRemembered: boolean
  /** Names the request in the log. */
  readonly name: string
  /** What there is of the answer already. */
  readonly begun?: BegunAnswer
  readonly endsByMs: number
  readonly signal: AbortSignal
  /** Called when two pools have died under the request. */
  readonly onPoison: () => void
  /** Called once for an answer that has begun, when it is over: what the pools were used for. */
  readonly onUse?: (use: PoolUse) => void
}

export interface Produced {
  readonly ranking: Ranking
  readonly dispatched: Omit<Dispatched, 'first' | 'answer'>
  readonly answer: PoolAnswer
}

/** Resolves at the first token. Fails with what placing or dispatching failed with. */
export async function produce(
  input: ProduceInput,
  dependencies: DispatchDependencies,
): Promise<Result<Produced, GatewayError>> {
  const { generation, onPoison, begun } = input
  const prompt = promptFor(input)
  const view = dependencies.pools.seenFrom(input.origin.id)
  if (prompt.isRemembered) view.hotAnchors.note(prompt.anchors)
  view.requested()
  await dependencies.monitor.warmUp(view)
  dependencies.monitor.refresh(view)
  const known = { prompt, view }
  const first = await dispatchFrom(input, { begun, died: new Set() }, known, dependencies)
  if (!first.ok) {
    if (first.error.reason === 'request_quarantined') onPoison()
    return first
  }
  const { dispatched, ranking } = first.value
  const answer = continuedAnswer(dispatched, {
    surface: generation.surface,
    ...(begun === undefined ? {} : { begun }),
    ...(generation.tokenLimit === undefined ? {} : { limit: generation.tokenLimit }),
    mayContinue: mayContinue(generation, input.tenant),
    onPoison,
    async goOn(soFar, died) {
      const next = await dispatchFrom(input, { begun: soFar, died }, known, dependencies)
      if (next.ok) return ok(next.value.dispatched)
      if (next.error.reason === 'request_quarantined') onPoison()
      return next
    },
  })
  const metered = meteredAnswer(answer, {
    first: dispatched.candidate,
    promptTokens: tokensIn(prompt.anchors.bytes, view.tokenRatio(generation.model)),
    ...(begun === undefined ? {} : { begunTokens: begun.tokens ?? 0 }),
    signal: input.signal,
    onUse: (use) => input.onUse?.(use),
  })
  return ok({ ranking, dispatched, answer: metered })
}

/** Whether a pool may finish what another has begun: by the kind of the request, and by the tenant's wish. */
export function mayContinue(generation: GenerationRequest, tenant: Tenant): boolean {
  if (tenant.continuation === 'off' || !isContinuable(generation)) return false
  // A seed begins anew in a second engine: what is sampled with one is not gone on with as it would have been.
  return tenant.continuation === 'always' || generation.body['temperature'] === 0
}

/** What there is of the answer, and who died making it. */
interface SoFar {
  readonly begun: BegunAnswer | undefined
  readonly died: ReadonlySet<string>
}

async function dispatchFrom(
  input: ProduceInput,
  { begun, died }: SoFar,
  { prompt, view }: { readonly prompt: Prompt; readonly view: RegionView },
  dependencies: DispatchDependencies,
): Promise<Result<{ dispatched: Dispatched; ranking: Ranking }, GatewayError>> {
  const placement = await input.placement()
  if (!placement.ok) return placement
  const { generation, modelVersion, cacheSalt, key, origin, endsByMs, signal } = input
  const isContinuation = begun !== undefined
  const ranking = rank(
    { placement: placement.value, modelVersion, generation, prompt, key, origin, isContinuation },
    { ...dependencies, view },
  )
  view.looks = ranking.looks
  const job = {
    ranking,
    generation,
    modelVersion,
    cacheSalt,
    key,
    origin,
    endsByMs,
    signal,
    died,
    prompt,
    view,
    mayAsk: async (candidate: Candidate) => mayAsk(candidate, await input.placement()),
  }
  const dispatched = await dispatch(isContinuation ? { ...job, begun } : job, dependencies)
  logRoute({ name: input.name, origin, ranking, dispatched }, dependencies)
  return dispatched.ok ? ok({ dispatched: dispatched.value, ranking }) : dispatched
}
