/**
 * What is known about a request after each stage. Every stage takes one of these and returns the next, wider one, so
 * that calling stages out of order does not compile. All are read-only; nothing reads backwards.
 */
import type { AnswerFacts } from '../shared/log/answer-facts.ts'
import type { Surface } from '../shared/log/frame.ts'
import type { CacheDirectives } from '../shared/cache/directives.ts'
import type { NotStored } from '../shared/cache/cache-status.ts'
import type { NotShared } from '../shared/cache/policy.ts'
import type { Lease } from '../shared/lease/lease.ts'
import type { Arrival } from '../shared/residency/arrival.ts'
import type { HeaderFacts } from '../shared/residency/header-facts.ts'
import type { Home } from '../shared/residency/home.ts'
import type { Placement } from '../shared/residency/place.ts'
import type { GenerationRequest } from '../shared/schema/request.ts'
import type { Model, Region, Tenant } from '../shared/schema/mesh.ts'
import type { Signer } from './receipts/signer.ts'
import type { Charge } from './stages/charge.ts'
import type { AnswerSource } from './stream/answer-source.ts'

/** Of a context, what every kind of request has: stages that serve generations and embeddings alike ask for no more. */
export type Common<Context> = Omit<Context, 'surface' | 'generation' | 'run'>

/** A request as it comes in, before anything of it is understood. */
export interface Incoming {
  readonly request: Request
  readonly requestId: string
  /** Names this reader of the answer, whatever it is read from. */
  readonly run: string
  readonly receivedAtMs: number
  readonly surface: Surface
  readonly arrival: Arrival
  readonly configVersion: string
}

/** From the request line and the headers alone; nothing of the body has been read. */
export interface Received extends Incoming {
  readonly narrowing: Narrowing
}

/** The headers with which a client may narrow what its key allows; none can widen it. */
export interface Narrowing {
  readonly cache: CacheDirectives
  readonly residency?: readonly string[]
  readonly dataClass?: string
  /** Of the headers that residency rules ask about; absent where none does. */
  readonly headers?: HeaderFacts
  readonly timeoutMs?: number
  /** What the client says belongs together, such as a conversation: its requests are better off at the same pool. */
  readonly affinity?: string
  /** Whether the client asks for a signed receipt. */
  readonly wantsReceipt: boolean
  /** Whether the client may come back for the answer when its connection drops. */
  readonly isResumable: boolean
  /** The client's own name for the request: sent again, it is the same request, and its answer the same. */
  readonly idempotencyKey?: string
}

export interface Authenticated extends Received {
  readonly tenant: Tenant
  readonly keyId: string
  /** Absent where nothing may be stored for the tenant, or the ledger cannot be reached: then nothing is cached. */
  readonly lease?: Lease
}

/** The request arrived where this tenant's requests may be decrypted: only now may its body be read. */
export interface Arrived extends Authenticated {
  readonly edgeRegion: Region
}

export interface BodyRead extends Arrived {
  readonly model: Model
  readonly generation: GenerationRequest
  readonly bodyBytes: number
}

export interface Placed extends BodyRead {
  readonly placement: Placement
  /** Where anything of the request may be stored; without one nothing is. */
  readonly home?: Home
}

/** A receipt that the answer is to have. */
export interface PromisedReceipt {
  readonly signer: Signer
  /** Where that of a stream is kept until it is fetched. */
  readonly keptIn?: Home
}

export interface Admitted extends Placed {
  /** What the request may cost, for whoever accounts for it. */
  readonly reserved: { readonly promptTokens: number; readonly outputTokens: number }
  /** Absent where none is wanted. */
  readonly receipt?: PromisedReceipt
  /** What is set aside for it, and what it has used. */
  readonly charge: Charge
}

export interface Fingerprinted extends Admitted {
  /** Keyed digest of what was asked, as base64url; absent where neither a log nor a receipt needs it. */
  readonly requestDigest?: string
  readonly modelVersion: string
  readonly cacheSalt: string
  readonly sharing: Sharing
}

/** Whether the generation is shared through a log, and which, or why it is not. */
export type Sharing =
  | {
      readonly kind: 'shared'
      readonly fingerprint: string
      readonly home: Home
      readonly ttlSeconds: number
      /** Under which the fingerprint's epoch holds. */
      readonly lease: Lease
      /** Why nobody else gets the answer, where the log is there only for the client to come back to. */
      readonly alone?: NotShared
      /** What the client's Idempotency-Key stands for: keyed digests of the key and of the request. */
      readonly claim?: { readonly name: string; readonly request: string; readonly home: Home }
    }
  | { readonly kind: 'private'; readonly detail: PrivateReason }

/** Why the cache was not asked; the words appear in `Cache-Status`. */
export type PrivateReason = NotShared | NotStored

export interface LookedUp extends Fingerprinted {
  /** From the log: known already, or being made there. Absent: this isolate calls a pool itself. */
  readonly shared?: Answer
}

export interface Answered extends LookedUp {
  readonly answer: Answer
}

/** An answer that has begun: what is known of it, and where the rest comes from. */
export interface Answer {
  readonly facts: AnswerFacts
  readonly source: AnswerSource
  /** The log it is read from; absent where this isolate makes it, or has it whole. */
  readonly take?: string
}
