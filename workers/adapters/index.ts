/** Every dialect's adapter; one that is missing does not compile. */
import type { Dialect } from '../../shared/schema/mesh.ts'
import type { PoolAdapter } from './adapter.ts'
import { llamacpp } from './llamacpp.ts'
import { openai } from './openai.ts'
import { vllm } from './vllm.ts'

export const adapters = { vllm, llamacpp, openai } satisfies Record<Dialect, PoolAdapter>
