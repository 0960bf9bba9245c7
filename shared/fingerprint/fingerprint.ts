/**
 * The name of an answer: a keyed digest of everything that can change it, and of who may share it. The format is
 * final: any change here gives every stored answer a new name, so the labels carry a version and
 * test/fixtures/fingerprint holds vectors that another program made.
 *
 *     part(x)      = SHA-256(UTF-8(canonical JSON of x))
 *     tenant key   = HMAC(master secret, "warmpath/tenant-key/v1\n" ‖ tenant)
 *     request      = HMAC(tenant key, "warmpath/request/v1\n" ‖ part({model, params, surface})
 *                         ‖ uint32be(n) ‖ part(unit 1) ‖ … ‖ part(unit n))
 *     fingerprint  = base64url(HMAC(tenant key, "warmpath/fingerprint/v1\n"
 *                         ‖ part({epoch, placement, scope, tenant, version}) ‖ request))
 *
 * Units are the messages in order, or the one prompt, so that the parts of a long beginning can be kept and reused.
 * HMAC and not SHA-256 alone, because prompts can be guessed: without the key a name says nothing about them.
 */
import { OUT_OF_FINGERPRINT_FIELDS } from '../schema/fields.ts'
import { canonicalize } from './canonicalize.ts'
import { base64Url, concatBytes } from './bytes.ts'
import type { Surface } from '../log/frame.ts'

/** The digest functions that the runtime brings. */
export interface Digests {
  sha256(bytes: Uint8Array): Promise<Uint8Array>
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Promise<Uint8Array>
  utf8(text: string): Uint8Array
}

export interface DigestedRequest {
  readonly surface: Surface
  /** The model as the client called it. */
  readonly model: string
  /** The checked body; fields that do not change the answer are left out here. */
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * Who shares answers: everyone of the tenant, one API key, or one `user` value; or nobody but the client that comes back to
 * one run, or sends a request again under its Idempotency-Key.
 */
export type CacheScope =
  { readonly kind: 'tenant' } | { readonly kind: 'key' | 'user' | 'run' | 'idempotency'; readonly id: string }

export interface FingerprintInput {
  readonly tenant: string
  readonly scope: CacheScope
  /** The tenant's cache epoch, an integer; a purge raises it. */
  readonly epoch: number
  /** The placement's class: where the answer may be stored, not which pools there are. */
  readonly placement: string
  /** Id of the model version that answers. */
  readonly version: string
  /** From `requestDigest`, under the same tenant's key. */
  readonly requestDigest: Uint8Array
}

/** The field that holds the units; the other surface's name would be an ordinary field. */
const UNITS_FIELD = { chat: 'messages', completions: 'prompt' } as const

/** A tenant's own key, 32 bytes: whatever is made with it cannot be compared across tenants. */
export function tenantKey(masterSecret: Uint8Array, tenant: string, digests: Digests): Promise<Uint8Array> {
  return digests.hmacSha256(masterSecret, digests.utf8(`warmpath/tenant-key/v1\n${tenant}`))
}

/** Digest of what is asked, 32 bytes: the same for every scope, epoch, placement and version. */
export async function requestDigest(
  request: DigestedRequest,
  key: Uint8Array,
  digests: Digests,
): Promise<Uint8Array> {
  const { surface, model, body } = request
  const content = body[UNITS_FIELD[surface]]
  const units: readonly unknown[] = surface === 'chat' && Array.isArray(content) ? content : [content]
  const params = Object.fromEntries(Object.entries(body).filter(([name]) => isParam(name, surface)))
  const parts = await Promise.all(
    [{ surface, model, params }, ...units].map((value) => digestPart(value, digests)),
  )
  const [first = new Uint8Array(), ...unitParts] = parts
  const label = digests.utf8('warmpath/request/v1\n')
  return digests.hmacSha256(key, concatBytes([label, first, uint32(unitParts.length), ...unitParts]))
}

/** 43 characters of base64url. */
export async function fingerprint(
  input: FingerprintInput,
  key: Uint8Array,
  digests: Digests,
): Promise<string> {
  const { tenant, scope, epoch, placement, version, requestDigest: request } = input
  const where = await digestPart({ tenant, scope, epoch, placement, version }, digests)
  const label = digests.utf8('warmpath/fingerprint/v1\n')
  return base64Url(await digests.hmacSha256(key, concatBytes([label, where, request])))
}

/** Names what a client's Idempotency-Key stands for, under one of the tenant's API keys. 43 characters of base64url. */
export async function claimName(
  { keyId, idempotencyKey }: { readonly keyId: string; readonly idempotencyKey: string },
  key: Uint8Array,
  digests: Digests,
): Promise<string> {
  const label = digests.utf8('warmpath/idempotency/v1\n')
  return base64Url(
    await digests.hmacSha256(key, concatBytes([label, await digestPart([keyId, idempotencyKey], digests)])),
  )
}

/** The digest of one value, 32 bytes. Not keyed: it stays inside this folder and is never stored or shown. */
export function digestPart(value: unknown, digests: Digests): Promise<Uint8Array> {
  return digests.sha256(digests.utf8(canonicalize(value)))
}

/** `model` may or may not be in a body; it counts once, from the request. */
function isParam(name: string, surface: Surface): boolean {
  return name !== 'model' && name !== UNITS_FIELD[surface] && !OUT_OF_FINGERPRINT_FIELDS.has(name)
}

/** Big-endian. */
function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
