import { CompactSign, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { base64Url } from '../../../../shared/fingerprint/bytes.ts'
import { answerSalt, createAnswerReader } from '../../../../shared/receipt/answer-digest.ts'
import { receiptOf } from '../../../../shared/receipt/receipt.ts'
import { createFold } from '../../../../shared/stream/fold.ts'
import { createRenderer } from '../../../../shared/stream/render.ts'
import { nodeDigests } from '../../../../tools/verify/node-digests.ts'
import { verifyReceipt, type ReceiptQuestion } from '../../../../tools/verify/receipt.ts'
import { aReceiptInput } from '../../receipt/a-receipt.ts'
import { must } from '../../workers/must.ts'
import { aSigner } from '../../workers/receipts/a-signer.ts'

const FRAMES = ['{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}']
for (const word of ['Once', ' upon', ' a', ' time', '']) {
  const finish = word === '' ? ',"finish_reason":"stop"' : ''
  FRAMES.push(`{"choices":[{"index":0,"delta":{"content":"${word}"}${finish}}]}`)
}
const USAGE = { promptTokens: 3, completionTokens: 4, raw: '{"prompt_tokens":3,"completion_tokens":4}' }
const READER = { id: 'chatcmpl-1', createdSeconds: 7, model: 'story' }

/** As a client gets it that asks for a stream, from its event `from` on. */
function streamed(from = 0): string {
  const renderer = createRenderer({ ...READER, surface: 'chat', includeUsage: true })
  const events = FRAMES.slice(from).map((members) => renderer.frame({ members }))
  return [': keep-alive\n\n', ...events, renderer.usage(USAGE), renderer.done()].join('')
}

function whole(): string {
  const fold = createFold('chat')
  for (const members of FRAMES) fold.add({ members })
  return fold.answer({ ...READER, usage: USAGE })
}

const SALT = await answerSalt(new Uint8Array(32), 'req_1', nodeDigests)

async function signed(from = 0): Promise<string> {
  const reader = createAnswerReader('chat')
  for (const members of FRAMES.slice(from)) reader.add(members)
  const answerDigest = await reader.digest(SALT, nodeDigests)
  return aSigner().signReceipt(receiptOf(aReceiptInput({ answerDigest, from })))
}

const RECEIPT = await signed()
const KEYS = { keys: (await aSigner().publishedKeys()).keys.map((key) => ({ ...key })) }

function verify(question: Partial<ReceiptQuestion> = {}) {
  return verifyReceipt({ text: RECEIPT, keys: KEYS, ...question }, nodeDigests)
}

describe('a receipt', () => {
  test('verifies under the published key, alone or with what came beside it', async () => {
    const claims = { tenant: 'acme', outcome: 'completed' }
    const verified = { ok: true, value: { claims, kid: KEYS.keys[0]?.kid, isAnswerChecked: false } }
    expect(await verify()).toMatchObject(verified)
    expect(await verify({ text: `${RECEIPT}\n` })).toMatchObject(verified)
    expect(await verify({ text: JSON.stringify({ receipt: RECEIPT }) })).toMatchObject(verified)
    expect(await verify({ issuer: 'https://mesh.example', audience: 'acme' })).toMatchObject(verified)
  })

  test('is of the answer, whether that came as a stream or as one JSON', async () => {
    const text = JSON.stringify({ receipt: RECEIPT, answer_salt: base64Url(SALT) })
    for (const answer of [whole(), streamed(), streamed().replaceAll('\n', '\r\n')]) {
      expect(await verify({ text, answer })).toMatchObject({ value: { isAnswerChecked: true } })
      expect(await verify({ salt: base64Url(SALT), answer })).toMatchObject({
        value: { isAnswerChecked: true },
      })
    }
  })

  test('of who came back is of what came then', async () => {
    const question = { text: await signed(3), salt: base64Url(SALT) }
    expect(await verify({ ...question, answer: streamed(3) })).toMatchObject({
      value: { isAnswerChecked: true, claims: { answer_from: 3 } },
    })
    expect(await verify({ ...question, answer: streamed() })).toMatchObject({ ok: false })
  })

  test('is of no other answer', async () => {
    const salt = base64Url(SALT)
    const not = { ok: false, error: 'it is not of this answer' }
    expect(await verify({ salt, answer: whole().replace('Once', 'Twice') })).toEqual(not)
    expect(await verify({ salt, answer: streamed().replace('Once', 'once') })).toEqual(not)
    expect(await verify({ salt, answer: streamed().split('data: ').slice(0, 4).join('data: ') })).toEqual(not)
    expect(await verify({ salt: base64Url(SALT.toReversed()), answer: whole() })).toEqual(not)
  })

  test('cannot be compared without the salt, or with what is no answer', async () => {
    const noSalt = {
      ok: false,
      error: 'to compare the answer, the salt is needed that came with the receipt',
    }
    for (const salt of [{}, { salt: 'x' }, { salt: base64Url(SALT).slice(0, -2) }]) {
      expect(await verify({ answer: whole(), ...salt })).toEqual(noSalt)
    }
    for (const answer of ['', 'hello', '{"error":{}}']) {
      expect(await verify({ salt: base64Url(SALT), answer })).toEqual({
        ok: false,
        error: 'the answer is neither one JSON answer nor an event stream',
      })
    }
  })

  test('with any bit flipped is none', async () => {
    const bytes = Buffer.from(RECEIPT)
    const refused = []
    for (let index = 0; index < bytes.length; index += 1) {
      const flipped = Buffer.from(bytes)
      flipped[index] = (bytes[index] ?? 0) ^ (1 << (index % 7))
      const verified = await verify({ text: flipped.toString() })
      refused.push(!verified.ok)
    }
    expect(refused.indexOf(false)).toBe(-1)
  })

  test.each([
    ['issuer', 'https://other.example', 'it is from another issuer'],
    ['audience', 'other', 'it is for another audience'],
  ])('of another %s than expected is refused', async (name, expected, error) => {
    expect(await verify({ [name]: expected })).toEqual({ ok: false, error })
  })

  test.each(['', 'x', 'a.b', 'a.b.c', '{}', '{"receipt":7}'])('is not %j', async (text) => {
    expect(await verify({ text })).toEqual({ ok: false, error: 'it is no compact JWS' })
  })
})

describe('the key of a receipt', () => {
  test('verifies when it is retired, as long as it is published', async () => {
    const { keys: before } = await aSigner().publishedKeys()
    const { keys } = await aSigner('44'.repeat(32), before).publishedKeys()
    expect(await verify({ keys: { keys: keys.map((key) => ({ ...key })) } })).toMatchObject({ ok: true })
  })

  test('that is not published is not taken for another one', async () => {
    const { keys } = await aSigner('44'.repeat(32)).publishedKeys()
    const unknown = { ok: false, error: 'it was signed under a key that is not in the key list' }
    expect(await verify({ keys: { keys: keys.map((key) => ({ ...key })) } })).toEqual(unknown)
    expect(await verify({ keys: { keys: [] } })).toEqual(unknown)
    // The signer's own name does not make another key his.
    const named = { ...must(keys[0]), kid: must(KEYS.keys[0]).kid }
    expect(await verify({ keys: { keys: [named] } })).toEqual({
      ok: false,
      error: 'the signature does not match',
    })
  })

  test('has to be named, and of the one kind', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA')
    const { x = '' } = await exportJWK(publicKey)
    const keys = { keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid: 'k', alg: 'EdDSA' }] }
    const payload = new TextEncoder().encode(JSON.stringify(receiptOf(aReceiptInput())))
    const sign = (header: { typ?: string; kid?: string }) =>
      new CompactSign(payload).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(privateKey)
    const type = 'mesh-receipt+jwt'
    expect(await verify({ keys, text: await sign({ typ: type, kid: 'k' }) })).toMatchObject({ ok: true })
    expect(await verify({ keys, text: await sign({ typ: type }) })).toMatchObject({
      error: 'it does not name the key it was signed under, or its own type',
    })
    expect(await verify({ keys, text: await sign({ typ: 'JWT', kid: 'k' }) })).toMatchObject({
      error: 'it is no "mesh-receipt+jwt"',
    })
    const symmetric = await new CompactSign(payload)
      .setProtectedHeader({ alg: 'HS256', typ: type, kid: 'k' })
      .sign(new TextEncoder().encode(x))
    expect(await verify({ keys, text: symmetric })).toMatchObject({
      error: 'it was signed in a way that the mesh does not use',
    })
  })

  test('signs for what this verifier knows, and for nothing else', async () => {
    const claims = { ...receiptOf(aReceiptInput()), ver: 2 }
    // What a later version might sign.
    const later = await aSigner().signReceipt(claims as never)
    expect(await verify({ text: later })).toEqual({
      ok: false,
      error: 'its claims are not those of a version that this verifier knows',
    })
  })
})
