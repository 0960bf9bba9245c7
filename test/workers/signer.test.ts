/** Receipts on the runtime's own WebCrypto: the same signature as on Node, byte for byte, since Ed25519 has no randomness. */
import { expect, test } from 'vitest'
import { receiptOf } from '../../shared/receipt/receipt.ts'
import { readReceiptKeys } from '../../workers/receipts/keys.ts'
import { createSigner } from '../../workers/receipts/signer.ts'
import { aReceiptInput } from '../unit/receipt/a-receipt.ts'

/** RFC 8032 §7.1, test 1. */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'

test('publishes and signs under the key of the seed', async () => {
  const keys = readReceiptKeys({ key: SEED })
  if (!keys.ok) throw new Error(keys.error.join())
  const signer = createSigner(keys.value)
  expect(await signer.publishedKeys()).toEqual({
    keys: [
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
        kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
        alg: 'EdDSA',
        use: 'sig',
      },
    ],
  })
  const [jws, again] = await Promise.all([1, 2].map(() => signer.signReceipt(receiptOf(aReceiptInput()))))
  expect(jws).toBe(again)
  expect(jws?.split('.')[2]).toBe(
    'fH1Ar_d0k-zk2_bNq-ay9NFEH7KdefzuCCJsHtYoJsMrqxwkBl0clxI69nTl12l_ql5YzU53J_9z1H5RbsceAA',
  )
})
