/** What routing has to know of a request's prompt. */
import { promptOf, type Prompt } from '../../shared/affinity/prompt.ts'
import type { GenerationRequest } from '../../shared/schema/request.ts'

export interface PromptForInput {
  readonly generation: GenerationRequest
  readonly modelVersion: string
  /** Keeps the tenant's prompts apart in pools, and here. */
  readonly cacheSalt: string
  /** What the client's header says belongs together. */
  readonly affinity?: string
  readonly isRemembered: boolean
}

/** The header is the mesh's own and goes before the field that pools of OpenAI know. */
export function promptFor(input: PromptForInput): Prompt {
  const { generation, modelVersion, cacheSalt: secret, isRemembered } = input
  const { surface, body, model, hints } = generation
  const affinity = input.affinity ?? hints.promptCacheKey
  const hint = affinity === undefined ? {} : { affinity }
  return promptOf({ surface, body, model, modelVersion, secret, isRemembered, ...hint })
}
