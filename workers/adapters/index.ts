/** Every dialect's adapter; one that is missing does not compile. */
import type { Dialect, Pool } from '../../shared/schema/mesh.ts'
import type { PoolAdapter, ReadEvent } from './adapter.ts'
import { anthropic } from './anthropic.ts'
import { azure } from './azure.ts'
import { llamacpp } from './llamacpp.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { sglang } from './sglang.ts'
import { tgi } from './tgi.ts'
import { trtllm } from './trtllm.ts'
import { vllm } from './vllm.ts'

export const adapters = {
  vllm,
  sglang,
  llamacpp,
  tgi,
  ollama,
  trtllm,
  openai,
  azure,
  anthropic,
} satisfies Record<Dialect, PoolAdapter>

/** Widened: what only some dialects have is optional there. */
export function adapterOf({ dialect }: Pick<Pool, 'dialect'>): PoolAdapter {
  return adapters[dialect]
}

/** The reader of one stream's events. */
export function startReading(adapter: PoolAdapter): ReadEvent {
  return adapter.startReading?.() ?? adapter.readEvent
}
