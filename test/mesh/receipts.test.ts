/** Receipts of a running mesh, checked with Node's own cryptography: nothing of ours, and nothing of the signer's library, verifies. */
import { createHmac, createPublicKey, verify, type JsonWebKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeDigests } from '../../tools/verify/node-digests.ts'
import { verifyReceipt } from '../../tools/verify/receipt.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { codeOf } from '../support/resuming.ts'

const STORY = { temperature: 0, max_tokens: 12 }
const ASKED = { 'x-mesh-receipt': 'true' }
const EU_FLOOR = { jurisdictions: ['eu'] }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA', 'SIN'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        receipts: { issuer: 'https://mesh.example.com', keep_seconds: 600 },
        rules: [{ id: 'no-singapore', match: {}, except: { jurisdictions: ['sg'] } }],
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
          {
            id: 'eu-bank',
            floor: EU_FLOOR,
            receipts: 'always',
            keys: [{ id: 'k1', sha256: sha256(KEYS['eu-bank']) }],
          },
        ],
      }),
  })
})
afterAll(() => mesh.stop())

type Claims = Record<string, unknown> & { readonly request_id: string; readonly answer_digest: string }

/** RFC 7515 and RFC 8037 by hand. */
async function claimsOf(jws: string): Promise<Claims> {
  const response = await mesh.fetch('SIN', '/.well-known/jwks.json')
  expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
  const { keys } = (await response.json()) as { keys: (JsonWebKey & { kid: string })[] }
  const [head = '', body = '', signature = ''] = jws.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, string>
  expect(header).toEqual({ alg: 'EdDSA', typ: 'mesh-receipt+jwt', kid: keys[0]?.kid })
  const key = createPublicKey({ key: keys.find(({ kid }) => kid === header['kid']) ?? {}, format: 'jwk' })
  const signed = Buffer.from(`${head}.${body}`)
  expect(verify(null, signed, key, Buffer.from(signature, 'base64url'))).toBe(true)
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims
}

/** What docs say the digest of a plain chat answer is. */
function digestOf(content: string, finish: string, salt: string): string {
  const said = JSON.stringify([{ content, finish_reason: finish, index: 0 }])
  return createHmac('sha256', Buffer.from(salt, 'base64url'))
    .update(`warmpath/answer/v1\n${said}`)
    .digest('base64url')
}

async function jsonReceipt(response: Promise<Response>) {
  const answer = await response
  const text = await answer.text()
  expect([answer.status, text.slice(0, 200)]).toEqual([200, expect.any(String)])
  const receipt = answer.headers.get('x-mesh-receipt') ?? ''
  const salt = answer.headers.get('x-mesh-receipt-salt') ?? ''
  const [choice] = (
    JSON.parse(text) as { choices: { message: { content: string }; finish_reason: string }[] }
  ).choices
  const { message, finish_reason: finish } = choice ?? { message: { content: '' }, finish_reason: '' }
  return {
    text,
    receipt,
    salt,
    claims: await claimsOf(receipt),
    digest: digestOf(message.content, finish, salt),
    answer,
  }
}

function fetchReceipt(
  requestId: string,
  tenant: keyof typeof KEYS = 'demo',
  colo = 'SIN',
): Promise<Response> {
  return mesh.fetch(colo, `/v1/receipts/${requestId}`, {
    headers: { authorization: `Bearer ${KEYS[tenant]}` },
  })
}

async function streamReceipt(response: Promise<Response>) {
  const answer = await response
  const text = await answer.text()
  const requestId = answer.headers.get('x-request-id') ?? ''
  const fetched = await fetchReceipt(requestId)
  expect(fetched.status).toBe(200)
  const saved = await fetched.text()
  const { receipt, answer_salt: salt } = JSON.parse(saved) as { receipt: string; answer_salt: string }
  const deltas = text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice(6)) as Chunk)
  const content = deltas.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  const finish = deltas.map(({ choices }) => choices[0]?.finish_reason).find(Boolean) ?? ''
  return { text, saved, claims: await claimsOf(receipt), digest: digestOf(content, finish, salt), answer }
}
interface Chunk {
  readonly choices: readonly { delta: { content?: string }; finish_reason?: string }[]
}

describe('a receipt says how the answer was got, and from where', () => {
  test('fresh, then a hit, then longer, each of its own request', async () => {
    const ask = (max = 12) =>
      chat(mesh, 'FRA', 'Receipts', { headers: ASKED, body: { ...STORY, max_tokens: max } })
    const fresh = await jsonReceipt(ask())
    expect(fresh.claims).toMatchObject({
      ver: 1,
      iss: 'https://mesh.example.com',
      aud: 'demo',
      tenant: 'demo',
      request_id: fresh.answer.headers.get('x-request-id'),
      surface: 'chat',
      model: 'story',
      answer_digest: fresh.digest,
      outcome: 'completed',
      rules: ['no-singapore'],
      restricted: true,
      config: fresh.answer.headers.get('x-mesh-config'),
      colo: 'FRA',
      cache: 'miss',
    })
    expect(fresh.claims).not.toHaveProperty('cached')
    const pool = fresh.answer.headers.get('x-mesh-pool')
    const jurisdiction = pool === 'eu-central' ? 'eu' : 'us'
    expect(fresh.claims['pools']).toEqual([{ pool, region: pool, jurisdiction }])

    const hit = await jsonReceipt(ask())
    expect(hit.claims).toMatchObject({
      cache: 'hit',
      request_digest: fresh.claims['request_digest'],
      cached: { pool, region: pool, jurisdiction, made_at: expect.stringMatching(/^2\d{3}-.*Z$/) },
    })
    expect(hit.claims.answer_digest).toBe(hit.digest)
    // The salt is each request's own: two receipts of one answer cannot be matched without it.
    expect(hit.claims.answer_digest).not.toBe(fresh.claims.answer_digest)
    expect(hit.claims['jti']).not.toBe(fresh.claims['jti'])

    const longer = await jsonReceipt(ask(20))
    expect(longer.claims).toMatchObject({ cache: 'extended', answer_digest: longer.digest, cached: { pool } })
  })

  test('coalesced: both that one generation served', async () => {
    const ask = () =>
      jsonReceipt(chat(mesh, 'FRA', 'Two at once', { headers: ASKED, body: { ...STORY, max_tokens: 60 } }))
    const both = await Promise.all([ask(), ask()])
    expect(new Set(both.map(({ claims }) => claims['cache']))).toEqual(new Set(['coalesced', 'miss']))
    for (const { claims, digest } of both) expect(claims.answer_digest).toBe(digest)
  })

  test('a private answer has one too', async () => {
    const got = await jsonReceipt(chat(mesh, 'FRA', 'Private', { headers: ASKED, body: { temperature: 1 } }))
    expect(got.claims).toMatchObject({ cache: 'bypass', answer_digest: got.digest })
  })

  test('that of a stream can be fetched as soon as the stream has ended, elsewhere too', async () => {
    const ask = () =>
      streamReceipt(chat(mesh, 'FRA', 'Streamed', { headers: ASKED, body: { ...STORY, stream: true } }))
    const fresh = await ask()
    expect(fresh.claims).toMatchObject({ cache: 'miss', answer_digest: fresh.digest, outcome: 'completed' })
    expect(fresh.answer.headers.has('x-mesh-receipt')).toBe(false)
    const hit = await ask()
    expect(hit.claims).toMatchObject({ cache: 'hit', answer_digest: hit.digest })
  })

  test('a resumed one is of what came after the part that the client had', async () => {
    const first = await chat(mesh, 'FRA', 'Come back', { body: { ...STORY, stream: true } })
    const run = first.headers.get('x-mesh-run') ?? ''
    await first.text()
    const headers = { authorization: `Bearer ${KEYS.demo}`, ...ASKED }
    const resumed = await streamReceipt(mesh.fetch('SIN', `/v1/generations/${run}?from=3`, { headers }))
    expect(resumed.claims).toMatchObject({
      cache: 'resumed',
      answer_from: 3,
      answer_digest: resumed.digest,
      colo: 'SIN',
      cached: { pool: resumed.answer.headers.get('x-mesh-pool') },
    })
    const asJson = { headers: { ...headers, accept: 'application/json' } }
    const whole = await jsonReceipt(mesh.fetch('SIN', `/v1/generations/${run}`, asJson))
    expect(whole.claims).toMatchObject({ cache: 'resumed', answer_digest: whole.digest })
    expect(whole.claims).not.toHaveProperty('answer_from')
    expect(whole.claims['request_digest']).toBe(resumed.claims['request_digest'])
  })

  test('a tenant with receipts = "always" need not ask, and its receipts lie in its own jurisdiction', async () => {
    const own = await jsonReceipt(chat(mesh, 'FRA', 'Bank', { tenant: 'eu-bank', body: STORY }))
    expect(own.claims).toMatchObject({ tenant: 'eu-bank', restricted: true, answer_digest: own.digest })
    const streamed = await chat(mesh, 'FRA', 'Bank', { tenant: 'eu-bank', body: { ...STORY, stream: true } })
    await streamed.text()
    const requestId = streamed.headers.get('x-request-id') ?? ''
    expect((await fetchReceipt(requestId, 'eu-bank')).status).toBe(200)
    // Another tenant's is as if it were not there.
    expect(await codeOf(await fetchReceipt(requestId))).toEqual([404, 'receipt_not_found'])
  })

  test('one that breaks off says so, and is of what was sent', async () => {
    const leave = new AbortController()
    const body = { ...STORY, stream: true, max_tokens: 4000, ignore_eos: true }
    const answer = await chat(mesh, 'FRA', 'Leaving', { headers: ASKED, body, signal: leave.signal })
    const reader = answer.body?.getReader()
    await reader?.read()
    leave.abort()
    const requestId = answer.headers.get('x-request-id') ?? ''
    await expect.poll(async () => (await fetchReceipt(requestId)).status, { timeout: 10_000 }).toBe(200)
    const { receipt } = (await (await fetchReceipt(requestId)).json()) as { receipt: string }
    expect(await claimsOf(receipt)).toMatchObject({ outcome: 'client_cancelled' })
  })
})

describe('the offline verifier', () => {
  test('accepts answer and receipt as they came, and finds a flipped bit in either', async () => {
    const { text, receipt, salt } = await jsonReceipt(
      chat(mesh, 'FRA', 'Verify', { headers: ASKED, body: STORY }),
    )
    const keys = (await (await mesh.fetch('FRA', '/.well-known/jwks.json')).json()) as { keys: [] }
    const check = (changed: { receipt?: string; answer?: string }) =>
      verifyReceipt(
        { text: changed.receipt ?? receipt, keys, answer: changed.answer ?? text, salt },
        nodeDigests,
      )
    expect(await check({})).toMatchObject({ ok: true, value: { isAnswerChecked: true } })
    const { content } = (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0]
      .message
    const first = content[0] ?? ''
    const other = text.replace(
      content,
      String.fromCodePoint((first.codePointAt(0) ?? 0) ^ 1) + content.slice(1),
    )
    expect(await check({ answer: other })).toEqual({ ok: false, error: 'it is not of this answer' })
    const [head, body = '', signature] = receipt.split('.')
    for (let byte = 0; byte < 40; byte += 7) {
      const bytes = Buffer.from(body, 'base64url')
      bytes[byte] = (bytes[byte] ?? 0) ^ 1
      const forged = `${head}.${bytes.toString('base64url')}.${signature}`
      expect(await check({ receipt: forged })).toMatchObject({ ok: false })
    }
  })
})

describe('no receipt is promised that cannot be given', () => {
  test('bad input has its own answer', async () => {
    const wrong = await chat(mesh, 'FRA', 'x', { headers: { 'x-mesh-receipt': 'yes' } })
    expect(await codeOf(wrong)).toEqual([400, 'invalid_header'])
    for (const id of ['req_0', `req_${'0'.repeat(24)}`, 'run_x']) {
      expect(await codeOf(await fetchReceipt(id))).toEqual([404, 'receipt_not_found'])
    }
    const nobody = await mesh.fetch('FRA', `/v1/receipts/req_${'0'.repeat(24)}`)
    expect(await codeOf(nobody)).toEqual([401, 'missing_api_key'])
    const posted = await mesh.fetch('FRA', '/v1/receipts/req_0', { method: 'POST' })
    expect(await codeOf(posted)).toEqual([405, 'method_not_allowed'])
  })

  test('embeddings have none', async () => {
    const response = await mesh.fetch('FRA', '/v1/embeddings', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json', ...ASKED },
      body: JSON.stringify({ model: 'story', input: 'x' }),
    })
    expect(await codeOf(response)).toEqual([400, 'receipt_not_available'])
  })
})
