/**
 * The name of one input's vector: a keyed digest of everything that can change it, and of who may share it. Like the
 * fingerprint's, the format is final and has vectors that another program made (test/fixtures/fingerprint).
 *
 *     name    = base64url(HMAC(tenant key, "warmpath/embedding/v1\n"
 *                   ‖ part({epoch, placement, scope, tenant, version}) ‖ part({model, params})
 *                   ‖ UTF-8(canonical JSON of the input)))
 *     version = pick of HMAC(tenant key, "warmpath/embedding-version/v1\n" ‖ model)
 *
 * with `part` as in fingerprint.ts. The input comes last and is the only part of no fixed length.
 */
import type { EmbeddingInput } from '../schema/embeddings-request.ts'
import { base64Url, concatBytes } from './bytes.ts'
import { canonicalize } from './canonicalize.ts'
import { digestPart, type CacheScope, type Digests } from './fingerprint.ts'
import { pickVersion, type WeightedVersion } from './model-version.ts'

export interface EmbeddingNaming {
  readonly tenant: string
  readonly scope: CacheScope
  /** The tenant's cache epoch, an integer; a purge raises it. */
  readonly epoch: number
  /** The placement's class: where the vector may be stored, not which pools there are. */
  readonly placement: string
  /** Id of the model version that answers. */
  readonly version: string
  /** The model as the client called it. */
  readonly model: string
  /** What else of the body changes the vectors. */
  readonly params: Readonly<Record<string, unknown>>
}

/** One name of 43 characters of base64url for each input. `key` is the tenant's. */
export async function embeddingNames(
  naming: EmbeddingNaming,
  inputs: readonly EmbeddingInput[],
  key: Uint8Array,
  digests: Digests,
): Promise<string[]> {
  const { tenant, scope, epoch, placement, version, model, params } = naming
  const prefix = concatBytes([
    digests.utf8('warmpath/embedding/v1\n'),
    await digestPart({ tenant, scope, epoch, placement, version }, digests),
    await digestPart({ model, params }, digests),
  ])
  return Promise.all(
    inputs.map(async (input) => {
      const content = digests.utf8(canonicalize(input))
      return base64Url(await digests.hmacSha256(key, concatBytes([prefix, content])))
    }),
  )
}

/**
 * Which version embeds for a tenant: always the same one while the weights are, because vectors of two versions cannot be
 * compared. A weighted split is one of tenants, where it is one of requests for generations.
 */
export async function embeddingVersion(
  versions: readonly WeightedVersion[],
  model: string,
  key: Uint8Array,
  digests: Digests,
): Promise<string> {
  const [only] = versions
  if (versions.length === 1 && only !== undefined) return only.id
  return pickVersion(
    versions,
    await digests.hmacSha256(key, digests.utf8(`warmpath/embedding-version/v1\n${model}`)),
  )
}
