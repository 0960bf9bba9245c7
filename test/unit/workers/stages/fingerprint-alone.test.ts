/** A log that is there only for its own client: to come back to, or to send the same request again. */
import { describe, expect, test } from 'vitest'
import { nameOf, SAMPLED, shared, sharingOf, type About } from '../an-admitted.ts'

describe('a request whose answer nobody else gets', () => {
  test.each<[string, About, string]>([
    ['sampled', SAMPLED, 'sampled'],
    ['with the cache off', { headers: { 'x-mesh-cache': 'off' } }, 'off'],
    ['with no-store', { headers: { 'cache-control': 'no-store' } }, 'no_store'],
    [
      'by the policy of its tenant',
      { config: { tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { mode: 'off' } }] } },
      'policy',
    ],
    [
      'with something that only a URL names',
      {
        body: {
          messages: [
            { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.test/b.png' } }] },
          ],
        },
      },
      'url_content',
    ],
  ])('%s, is private, and says why', async (_name, about, detail) => {
    expect(await sharingOf(about)).toEqual({ kind: 'private', detail })
  })

  test.each<[string, About, string]>([['sampled', SAMPLED, 'sampled']])(
    '%s, has a log of its own when its client may come back',
    async (_name, about, alone) => {
      const own = await shared({ ...about, isResumable: true })
      expect(own).toMatchObject({ alone, ttlSeconds: 600 })
      expect(own).not.toHaveProperty('claim')
      // Of each run alone, and of nothing that is shared.
      const again = await shared({ ...about, isResumable: true, run: 'run 2' })
      expect(again.fingerprint).not.toBe(own.fingerprint)
      expect(own.fingerprint).not.toBe(await nameOf({ ...about, config: {}, body: { temperature: 0 } }))
    },
  )

  test.each<[string, About]>([
    ['with the cache off', { headers: { 'x-mesh-cache': 'off' } }],
    ['with no-store', { headers: { 'cache-control': 'no-store' } }],
    [
      'by the policy of its tenant',
      { config: { tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { mode: 'off' } }] } },
    ],
  ])('%s, has none even so: nothing is to be kept', async (_name, about) => {
    for (const body of [{ temperature: 0 }, { temperature: 1 }]) {
      const asked = { ...about, body, isResumable: true, idempotencyKey: 'order 1' }
      expect((await sharingOf(asked)).kind).toBe('private')
    }
  })

  test('may be kept for less time by its client’s wish', async () => {
    const about = { ...SAMPLED, isResumable: true, headers: { 'x-mesh-cache-ttl': '60' } }
    expect((await shared(about)).ttlSeconds).toBe(60)
  })
})

describe('an Idempotency-Key', () => {
  const sent = { ...SAMPLED, idempotencyKey: 'order 1' }

  test('gives a sampled request a log that the same key finds again, for the time of such keys', async () => {
    const first = await shared(sent)
    expect(first).toMatchObject({ alone: 'sampled', ttlSeconds: 86_400 })
    expect(await shared({ ...sent, run: 'run 2', colo: 'SIN' })).toEqual(first)
  })

  test.each<[string, About]>([
    ['another key', { idempotencyKey: 'order 2' }],
    ['another API key', { keyId: 'k2' }],
    ['another body', { body: { temperature: 1, top_p: 0.5 } }],
  ])('with %s finds another', async (_name, changes) => {
    expect(await nameOf({ ...sent, ...changes })).not.toBe(await nameOf(sent))
  })

  test('claims the request, its limit included, under a name of the API key', async () => {
    const { claim } = await shared(sent)
    const claimOf = async (changes: About) => (await shared({ ...sent, ...changes })).claim
    expect(claim?.name).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await claimOf({ run: 'run 2' })).toEqual(claim)
    const limited = await claimOf({ tokenLimit: 7 })
    expect(limited?.name).toBe(claim?.name)
    expect(limited?.request).not.toBe(claim?.request)
    const other = await claimOf({ body: { temperature: 1, top_p: 0.5 } })
    expect(other?.name).toBe(claim?.name)
    expect(other?.request).not.toBe(claim?.request)
    expect((await claimOf({ keyId: 'k2' }))?.name).not.toBe(claim?.name)
    expect((await claimOf({ tenant: 'eu-bank' }))?.name).not.toBe(claim?.name)
    // The client's own words are in neither.
    expect(JSON.stringify(claim)).not.toContain('order')
  })

  test('of a request that is shared claims it too, and changes neither its name nor its time', async () => {
    const own = await shared({ idempotencyKey: 'order 1' })
    expect(own).toMatchObject({ fingerprint: await nameOf(), ttlSeconds: 3600 })
    expect(own).not.toHaveProperty('alone')
    expect(own.claim).toBeDefined()
  })

  test('is asked for in one place of the world, be the body another or the data centre', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const homes = await Promise.all(
        [
          { colo: 'FRA' },
          { colo: 'IAD' },
          { colo: 'SIN' },
          { body: { temperature: 1, top_p: 0.5 } },
          { body: { temperature: 0 } },
        ].map(
          async (changes) => (await shared({ ...sent, ...changes, idempotencyKey: key })).claim?.home.region,
        ),
      )
      expect(new Set(homes).size).toBe(1)
    }
  })

  test('has its log in one place, whichever data centre asks', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const homes = await Promise.all(
        ['FRA', 'IAD', 'SIN'].map(
          async (colo) => (await shared({ ...sent, colo, idempotencyKey: key })).home.region,
        ),
      )
      expect(new Set(homes).size).toBe(1)
    }
  })
})
