import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { auditHeadsOf } from '../../../../shared/audit/signed-heads.ts'
import { receiptOf } from '../../../../shared/receipt/receipt.ts'
import { aReceiptInput } from '../../receipt/a-receipt.ts'
import { must } from '../must.ts'
import { aSigner, openRaw, RFC_PUBLIC } from './a-signer.ts'

const X = Buffer.from(RFC_PUBLIC, 'hex').toString('base64url')
/** RFC 7638 §3: the required members in order, without blanks. */
const KID = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${X}"}`).digest('base64url')
const PUBLISHED = { kty: 'OKP', crv: 'Ed25519', x: X, kid: KID, alg: 'EdDSA', use: 'sig' } as const
const CLAIMS = receiptOf(aReceiptInput({ model: 'größe 😀' }))

test('publishes the public half of the seed (RFC 8032 §7.1, test 1) under its thumbprint', async () => {
  expect(await aSigner().publishedKeys()).toEqual({ keys: [PUBLISHED] })
})

test('signs a receipt that another implementation verifies under the published key', async () => {
  const jws = await aSigner().signReceipt(CLAIMS)
  expect(openRaw(jws, PUBLISHED)).toEqual({
    header: { alg: 'EdDSA', typ: 'mesh-receipt+jwt', kid: KID },
    claims: CLAIMS,
    isGenuine: true,
  })
  const other = must((await aSigner('11'.repeat(32)).publishedKeys()).keys[0])
  expect(openRaw(jws, other).isGenuine).toBe(false)
})

test('signs the heads of a log as something else than a receipt', async () => {
  const position = { seq: 0, hash: 'A'.repeat(43) }
  const chains = [{ chain: 'acme/0', ...position, base: { ...position, chain: 'acme/0' } }]
  const heads = auditHeadsOf({ issuer: 'https://mesh.example', tenant: 'acme', chains, nowMs: 0 })
  expect(openRaw(await aSigner().signHeads(heads), PUBLISHED)).toEqual({
    header: { alg: 'EdDSA', typ: 'mesh-audit-heads+jwt', kid: KID },
    claims: {
      iss: 'https://mesh.example',
      tenant: 'acme',
      at: '1970-01-01T00:00:00.000Z',
      chains: [{ chain: 'acme/0', ...position, base: position }],
    },
    isGenuine: true,
  })
})

test('publishes retired keys as long as they are bound, each once, and signs under the new one', async () => {
  const old = aSigner()
  const oldKeys = (await old.publishedKeys()).keys
  const receipt = await old.signReceipt(CLAIMS)
  // First step of a replacement: the key that still signs is already among the retired ones.
  expect((await aSigner(undefined, oldKeys).publishedKeys()).keys).toEqual(oldKeys)
  const renewed = aSigner('22'.repeat(32), oldKeys)
  const { keys } = await renewed.publishedKeys()
  expect(keys).toHaveLength(2)
  expect(keys[1]).toEqual(PUBLISHED)
  expect(openRaw(receipt, must(keys[1])).isGenuine).toBe(true)
  expect(openRaw(await renewed.signReceipt(CLAIMS), must(keys[0]))).toMatchObject({
    header: { kid: keys[0]?.kid },
    isGenuine: true,
  })
})
