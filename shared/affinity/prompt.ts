/** What routing knows of a prompt: how large it is, and by which beginnings it is recognised when another begins like it. */
import { anchorsOf, type Anchors, type PromptParts } from './anchors.ts'
import { pseudonym } from './pseudonym.ts'

export interface Prompt {
  /** Id of the model, under which sizes of its tokens are learned. */
  readonly model: string
  readonly anchors: Anchors
  /** What its client says belongs together, hashed; it is hashed on in place of its beginning. */
  readonly hint?: number
  /** Whether this observer may remember where it was sent. */
  readonly isRemembered: boolean
}

export interface PromptInput extends PromptParts {
  readonly model: string
  readonly modelVersion: string
  /** A secret of the tenant's: under another one nothing is recognised. */
  readonly secret: string
  /** What the client says belongs together: a conversation, a document. */
  readonly affinity?: string
  readonly isRemembered: boolean
}

export function promptOf(input: PromptInput): Prompt {
  const { model, affinity, isRemembered } = input
  const seed = `${input.secret}/${input.modelVersion}`
  return {
    model,
    anchors: anchorsOf(input, seed),
    isRemembered,
    ...(affinity === undefined ? {} : { hint: pseudonym(affinity, `${seed}/hint`) }),
  }
}
