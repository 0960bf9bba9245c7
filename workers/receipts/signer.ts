/** Signs receipts and audit heads as compact JWS (RFC 7515) with EdDSA (RFC 8037), and publishes the keys they verify under. */
import { calculateJwkThumbprint, CompactSign } from 'jose'
import { z } from 'zod'
import { AUDIT_HEADS_TYPE, type AuditHeads } from '../../shared/audit/signed-heads.ts'
import { concatBytes } from '../../shared/fingerprint/bytes.ts'
import { RECEIPT_TYPE, type ReceiptClaims } from '../../shared/receipt/receipt.ts'
import type { PublicKey, ReceiptKeys } from './keys.ts'

/** As /.well-known/jwks.json has it; `kid` is the key's thumbprint (RFC 7638). */
export interface PublishedKey extends PublicKey {
  readonly kid: string
  readonly alg: 'EdDSA'
  readonly use: 'sig'
}

export interface Signer {
  signReceipt(claims: ReceiptClaims): Promise<string>
  signHeads(heads: AuditHeads): Promise<string>
  /** Of the key that signs, then of the retired ones. */
  publishedKeys(): Promise<{ readonly keys: readonly PublishedKey[] }>
}

/** PKCS #8 of an Ed25519 key up to its seed (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
])

const encoder = new TextEncoder()
const exportedKey = z.object({ x: z.string() })

export function createSigner({ seed, retired }: ReceiptKeys): Signer {
  // Values and not promises: what one request began another cannot wait for.
  let known: { readonly key: CryptoKey; readonly published: PublishedKey } | undefined

  async function signing() {
    known ??= await importSeed(seed)
    return known
  }

  async function sign(typ: string, claims: object): Promise<string> {
    const { key, published } = await signing()
    return new CompactSign(encoder.encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'EdDSA', typ, kid: published.kid })
      .sign(key)
  }

  return {
    signReceipt: (claims) => sign(RECEIPT_TYPE, claims),
    signHeads: (heads) => sign(AUDIT_HEADS_TYPE, heads),
    async publishedKeys() {
      const { published } = await signing()
      const all = [published, ...(await Promise.all(retired.map(publish)))]
      // Between the two steps of a replacement the key that signs is among the retired ones.
      return { keys: [...new Map(all.map((key) => [key.kid, key])).values()] }
    },
  }
}

async function importSeed(seed: Uint8Array) {
  const pkcs8 = concatBytes([PKCS8_PREFIX, seed])
  const exportable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const { x } = exportedKey.parse(await crypto.subtle.exportKey('jwk', exportable))
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  return { key, published: await publish({ kty: 'OKP', crv: 'Ed25519', x }) }
}

async function publish(key: PublicKey): Promise<PublishedKey> {
  return { ...key, kid: await calculateJwkThumbprint(key, 'sha256'), alg: 'EdDSA', use: 'sig' }
}
