/** Whether pools died of a request, and not only under it. */
import type { Prompt } from '../../shared/affinity/prompt.ts'
import type { RegionView } from '../stores/pool-states.ts'

/** So many pools that died under this request alone: one poisonous request must not walk through all. */
const MAX_DEATHS_ALONE = 2
/**
 * So many, whoever else was there. A request that kills an engine under load takes others with it, and is not told from them
 * before it has done so again and again.
 */
const MAX_DEATHS = 3

/** `died`: pools that died under the request. */
export function isPoisonous(
  died: ReadonlySet<string>,
  { prompt, view }: { readonly prompt: Prompt; readonly view: Pick<RegionView, 'losses' | 'all'> },
): boolean {
  if (died.size >= MAX_DEATHS) return true
  const isAlone = (pool: string): boolean =>
    view.all.get(pool)?.measures.breaker.kind !== 'open' && !view.losses.isShared(pool, prompt)
  return [...died].filter(isAlone).length >= MAX_DEATHS_ALONE
}
