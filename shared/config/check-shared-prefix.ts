/**
 * Finds pools where two tenants would share a prefix cache that nobody said they may share. Such a cache answers
 * faster what another tenant asked before, which tells one tenant what the other's prompts begin with.
 */
import type { Dialect } from '../schema/mesh.ts'
import type { Draft } from './draft.ts'
import { quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'
import { reachablePools } from './reach.ts'

/**
 * Whether a pool of the dialect keeps the prefix caches of tenants apart: it does where every prompt can carry a
 * `cache_salt`. (TensorRT-LLM knows one in chats only; llama.cpp's cache belongs to slots, which any request may get.)
 */
export const SEPARATES_TENANTS: Readonly<Record<Dialect, boolean>> = {
  vllm: true,
  sglang: true,
  llamacpp: false,
  tgi: false,
  ollama: false,
  trtllm: false,
  openai: false,
  azure: false,
  anthropic: false,
}

export function checkSharedPrefix(draft: Draft): ConfigProblem[] {
  const reach = draft.tenants.entries.map(({ value }) => ({
    tenant: value.id,
    pools: new Set(reachablePools(value, draft).map(({ id }) => id)),
  }))
  return draft.pools.entries.flatMap(({ value: pool, path }) => {
    if (SEPARATES_TENANTS[pool.dialect] || pool.shared_prefix) return []
    const [one, other] = [
      ...new Set(reach.filter(({ pools }) => pools.has(pool.id)).map(({ tenant }) => tenant)),
    ]
    if (one === undefined || other === undefined) return []
    return [
      {
        path: `${path}.shared_prefix`,
        found: `tenants ${quote(one)} and ${quote(other)} may both use its prefix cache, and a ${pool.dialect} pool cannot keep them apart`,
        expected: 'narrow a floor, or accept it with shared_prefix = true',
      },
    ]
  })
}
