/**
 * The keys of receipts and audit heads: one that signs, and those that did, whose public halves are still published.
 *
 *     MESH_RECEIPT_KEY           32 random bytes as 64 hex digits (`openssl rand -hex 32`): the seed of an Ed25519 key
 *     MESH_RECEIPT_KEYS_RETIRED  what /.well-known/jwks.json gave before the key was replaced: public keys only
 *
 * To replace the key: put the document of /.well-known/jwks.json into MESH_RECEIPT_KEYS_RETIRED, then a new seed into
 * MESH_RECEIPT_KEY. When nothing that was signed under a retired key is kept any more, take it out of the list.
 */
import { z } from 'zod'
import { err, ok, type Result } from '../../shared/result.ts'

/** The public half of an Ed25519 key (RFC 8037). */
export interface PublicKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

export interface ReceiptKeys {
  /** 32 bytes. */
  readonly seed: Uint8Array
  readonly retired: readonly PublicKey[]
}

const SEED = /^[0-9a-f]{64}$/

const publicKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  // 32 bytes; the last letter has four bits of them.
  x: z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/),
  // A private key must not be published, whatever is meant by putting it here.
  d: z.never().optional(),
})
const keyList = z.object({ keys: z.array(publicKey) })

/** Reads what is bound. Fails with a sentence for each mistake; none has anything of a key in it. */
export function readReceiptKeys(bound: {
  readonly key: string
  readonly retired?: string
}): Result<ReceiptKeys, readonly string[]> {
  const mistakes: string[] = []
  if (!SEED.test(bound.key)) {
    mistakes.push('The secret MESH_RECEIPT_KEY must be 64 lower-case hex digits (openssl rand -hex 32).')
  }
  const retired = bound.retired === undefined ? [] : readRetired(bound.retired)
  if (retired === undefined) {
    mistakes.push(
      'MESH_RECEIPT_KEYS_RETIRED must be a document as /.well-known/jwks.json gives it: {"keys":[…]}, public Ed25519 keys only.',
    )
  }
  if (mistakes.length > 0 || retired === undefined) return err(mistakes)
  return ok({
    seed: Uint8Array.from(bound.key.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)),
    retired,
  })
}

function readRetired(text: string): readonly PublicKey[] | undefined {
  try {
    const list = keyList.safeParse(JSON.parse(text))
    return list.data?.keys.map(({ kty, crv, x }) => ({ kty, crv, x }))
  } catch {
    // Not JSON; the exception quotes it.
    return undefined
  }
}
