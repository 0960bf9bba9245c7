/** Tokens of an issuer open what its grants say, and nothing else; a token that is wrong in any way opens nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, startIssuer, type Issuer } from '../support/issuer.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { codeOf } from '../support/resuming.ts'

let issuer: Issuer
let mesh: TestMesh
beforeAll(async () => {
  issuer = await startIssuer()
  mesh = await startMesh({ colos: ['FRA'], distances: false, config })
})
afterAll(async () => {
  await mesh.stop()
  await issuer.stop()
})

function config(urls: Readonly<Record<string, string>>) {
  const of = (value: string, role: string, tenant?: string) => ({
    claim: 'groups',
    value,
    role,
    ...(tenant === undefined ? {} : { tenant }),
  })
  return aMeshConfig(urls, {
    oidc: [
      {
        id: 'corp',
        issuer: issuer.url,
        audience: AUDIENCE,
        jwks_url: issuer.jwksUrl,
        grants: [
          of('ops', 'operator'),
          of('looks', 'viewer'),
          of('audits', 'auditor'),
          of('bank-admins', 'tenant-admin', 'eu-bank'),
          of('apps', 'client', 'demo'),
          of('both', 'client', 'demo'),
          of('both', 'client', 'eu-bank'),
        ],
      },
    ],
  })
}

function ask(
  token: string,
  extra: { readonly path?: string; readonly method?: string } = {},
): Promise<Response> {
  const { path = '/admin/v1/pools', method = 'GET' } = extra
  return mesh.fetch('FRA', path, { method, headers: { authorization: `Bearer ${token}` } })
}

function chat(token: string): Promise<Response> {
  return mesh.fetch('FRA', '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'story', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3 }),
  })
}

const nowSeconds = () => Math.floor(Date.now() / 1000)

describe('in the administration', () => {
  test.each([
    ['ops', 'GET', '/admin/v1/pools', 200],
    ['ops', 'POST', '/admin/v1/pools/us-east/drain', 200],
    ['ops', 'DELETE', '/admin/v1/pools/us-east/drain', 200],
    ['looks', 'GET', '/admin/v1/pools', 200],
    ['looks', 'POST', '/admin/v1/pools/us-east/drain', 403],
    ['audits', 'POST', '/admin/v1/pools/us-east/drain', 403],
    ['bank-admins', 'POST', '/admin/v1/tenants/eu-bank/purge', 200],
    ['bank-admins', 'POST', '/admin/v1/tenants/demo/purge', 403],
    ['bank-admins', 'GET', '/admin/v1/pools', 403],
    ['ops', 'GET', '/admin/v1/nothing', 403],
    ['apps', 'GET', '/admin/v1/pools', 401],
    ['strangers', 'GET', '/admin/v1/pools', 401],
  ])('%s: %s %s is %i', async (group, method, path, status) => {
    const response = await ask(issuer.token({ groups: ['other', group] }), { method, path })
    expect(response.status).toBe(status)
    if (status === 403) expect(await codeOf(response)).toEqual([403, 'admin_forbidden'])
    else await response.text()
  })

  test('two grants give what each gives', async () => {
    const token = issuer.token({ groups: ['looks', 'bank-admins'] })
    expect((await ask(token)).status).toBe(200)
    expect((await ask(token, { method: 'POST', path: '/admin/v1/tenants/eu-bank/purge' })).status).toBe(200)
  })
})

describe('as a client', () => {
  test('a token stands for its tenant, and its subject is in no log', async () => {
    const response = await chat(issuer.token({ groups: 'apps' }))
    expect(response.status).toBe(200)
    await response.text()
    await expect
      .poll(() => mesh.logs.find((line) => line.includes(response.headers.get('x-request-id') ?? '?')))
      .toMatch(/"tenant":"demo","key":"oidc-corp-[A-Za-z0-9_-]{16}"/)
    expect(mesh.logs.join('\n')).not.toContain('anna')
    const models = await ask(issuer.token({ groups: 'apps' }), { path: '/v1/models' })
    expect(models.status).toBe(200)
  })

  test.each([
    ['of an administrator', 'ops'],
    ['of two tenants', 'both'],
    ['of nobody', 'strangers'],
  ])('one %s is not', async (_name, group) => {
    expect(await codeOf(await chat(issuer.token({ groups: group })))).toEqual([401, 'invalid_api_key'])
  })
})

describe('a token opens nothing', () => {
  const good = { groups: ['ops', 'apps'] }
  test.each<[string, () => string]>([
    ['for another audience', () => issuer.token({ ...good, aud: 'another' })],
    ['from another issuer', () => issuer.token({ ...good, iss: 'https://other.example.com' })],
    [
      'that has expired, by more than clocks may differ',
      () => issuer.token({ ...good, exp: nowSeconds() - 90 }),
    ],
    ['that is not good yet', () => issuer.token({ ...good, nbf: nowSeconds() + 600 })],
    ['that was issued in the future', () => issuer.token({ ...good, iat: nowSeconds() + 600 })],
    ['without an end', () => issuer.token({ ...good, exp: undefined })],
    ['without a subject', () => issuer.token({ ...good, sub: undefined })],
    ['that says it needs no signature', () => unsigned(issuer.token(good))],
    ['whose algorithm is a shared secret', () => issuer.token(good, { alg: 'HS256' })],
    ['of a key that is not published', () => issuer.token(good, { kid: 'key-9' })],
    ['with claims that were changed', () => changed(issuer.token(good))],
    ['that is no token', () => 'a.b.c'],
    ['that is longer than a header may be', () => `${'a'.repeat(9000)}.b.c`],
  ])('%s', async (_name, token) => {
    expect(await codeOf(await ask(token()))).toEqual([401, 'admin_unauthorized'])
    expect(await codeOf(await chat(token()))).toEqual([401, 'invalid_api_key'])
  })

  test('clocks may differ by a minute', async () => {
    const late = issuer.token({ ...good, exp: nowSeconds() - 20, nbf: nowSeconds() - 100 })
    const early = issuer.token({ ...good, iat: nowSeconds() + 20, nbf: nowSeconds() + 20 })
    expect([(await ask(late)).status, (await ask(early)).status]).toEqual([200, 200])
  })

  test('tokens with invented keys do not make the mesh ask their issuer again and again', async () => {
    const before = issuer.asked()
    for (let at = 0; at < 20; at += 1) await ask(issuer.token(good, { kid: `invented-${at}` }))
    expect(issuer.asked() - before).toBeLessThanOrEqual(1)
  })
})

describe('the keys of an issuer', () => {
  test('are kept while it is down; of one that never answered nobody is let in, and told to come back', async () => {
    issuer.setDown(true)
    expect((await ask(issuer.token({ groups: 'ops' }))).status).toBe(200)
    const fresh = await startMesh({ colos: ['FRA'], distances: false, config })
    try {
      const headers = { authorization: `Bearer ${issuer.token({ groups: 'ops' })}` }
      const refused = await fresh.fetch('FRA', '/admin/v1/pools', { headers })
      expect(refused.headers.get('retry-after')).toBe('5')
      expect(await codeOf(refused)).toEqual([503, 'issuer_unavailable'])
    } finally {
      await fresh.stop()
      issuer.setDown(false)
    }
  })

  test('that were replaced are found by the first token of the new one', async () => {
    issuer.rotate()
    const fresh = await startMesh({ colos: ['FRA'], distances: false, config })
    try {
      const headers = () => ({ authorization: `Bearer ${issuer.token({ groups: 'ops' })}` })
      expect((await fresh.fetch('FRA', '/admin/v1/pools', { headers: headers() })).status).toBe(200)
    } finally {
      await fresh.stop()
    }
  })
})

function unsigned(token: string): string {
  const [, payload] = token.split('.')
  return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
}

function changed(token: string): string {
  const [header, payload = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const more = Buffer.from(JSON.stringify({ ...claims, groups: ['ops', 'apps', 'more'] })).toString(
    'base64url',
  )
  return `${header}.${more}.${signature}`
}
