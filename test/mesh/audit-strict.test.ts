/** A strict tenant against real pools and objects: two entries for an answer, and nothing of one without its log. */
import { afterEach, describe, expect, test } from 'vitest'
import { entriesOf, type SeenEntry } from '../support/audit.ts'
import { admin } from '../support/admin.ts'
import { chat } from '../support/chat.ts'
import { askForVectors } from '../support/embed.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type MeshOptions, type TestMesh } from '../support/mesh.ts'

const BANK = { tenant: 'eu-bank' } as const
const keys = [{ id: 'k1', sha256: sha256(KEYS['eu-bank']) }]

let mesh: TestMesh | undefined
afterEach(async () => mesh?.stop())

async function aStrictMesh(options: MeshOptions = {}): Promise<TestMesh> {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
          { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, audit: 'strict', keys },
        ],
      }),
    ...options,
  })
  return mesh
}

const eventsIn = (entries: readonly SeenEntry[]): string[] => entries.map(({ event }) => event).toSorted()

// Five answers, each with an end to wait for, on a machine that may be busy.
const BUSY = { timeout: 60_000 }

test(
  'every kind of answer has its decision in the log when its first byte is here, and its end soon after',
  BUSY,
  async () => {
    const strict = await aStrictMesh()
    const resumable = { 'x-mesh-resumable': 'true' }
    const shared = { max_tokens: 3, temperature: 0, stream: true }
    const first = await chat(strict, 'FRA', 'Shared.', { ...BANK, body: shared, headers: resumable })
    await first.text()
    const answers = [
      await chat(strict, 'FRA', 'Alone.', { ...BANK, body: { max_tokens: 3 } }),
      await chat(strict, 'FRA', 'Shared.', { ...BANK, body: shared }),
      await askForVectors(strict, 'FRA', ['one'], BANK),
      await strict.fetch('FRA', `/v1/generations/${first.headers.get('x-mesh-run')}`, {
        headers: { authorization: `Bearer ${KEYS['eu-bank']}` },
      }),
    ]
    expect(answers.map(({ headers }) => headers.get('x-mesh-cache'))).toEqual(['bypass', 'hit', 'miss', null])
    for (const answer of answers) {
      expect(answer.status).toBe(200)
      // Its first byte is here, and nothing waits any longer.
      const id = answer.headers.get('x-request-id') ?? ''
      const { entries } = (await (
        await admin(strict, 'FRA', `/tenants/eu-bank/audit?request_id=${id}`)
      ).json()) as { entries: SeenEntry[] }
      expect(entries.map(({ event }) => event)).toContain('decision')
      await answer.text()
      const both = await entriesOf(strict, answer, { count: 2 })
      expect(eventsIn(both)).toEqual(['decision', 'end'])
      const end = both.find(({ event }) => event === 'end')
      expect(end).toMatchObject({ decision: 'allowed', status: 200, pools: [{ pool: 'eu-central' }] })
    }
  },
)

describe('without its log', () => {
  const asks: readonly [string, (strict: TestMesh) => Promise<Response>][] = [
    [
      'a stream',
      (strict) => chat(strict, 'FRA', 'Once.', { ...BANK, body: { stream: true, max_tokens: 2_000 } }),
    ],
    ['one JSON', (strict) => chat(strict, 'FRA', 'Once.', { ...BANK, body: { max_tokens: 2_000 } })],
    [
      'an answer of a log',
      (strict) => chat(strict, 'FRA', 'Once.', { ...BANK, body: { temperature: 0, max_tokens: 2_000 } }),
    ],
    ['vectors', (strict) => askForVectors(strict, 'FRA', ['once'], BANK)],
  ]

  test('nothing of what the pool says is to be seen, others are served, and what is lost is counted', async () => {
    const strict = await aStrictMesh({ auditLog: 'fails' })
    for (const [name, ask] of asks) {
      const response = await ask(strict)
      const body = (await response.json()) as object
      expect([name, response.status]).toEqual([name, 503])
      expect(Object.keys(body)).toEqual(['error'])
      expect(body).toMatchObject({ error: { code: 'audit_unavailable' } })
      expect(response.headers.get('retry-after')).toBe('1')
      expect(response.headers.get('x-mesh-run')).toBeNull()
    }
    const other = await chat(strict, 'FRA', 'Once.', { body: { max_tokens: 2 } })
    expect(other.status).toBe(200)
    await other.text()
    const engine = strict.engines['eu-central']
    // Nobody is left who would read what the pool makes.
    await expect.poll(() => engine?.stats().running, { timeout: 5_000 }).toBe(0)
    const lost = () => strict.logs.filter((line) => line.includes('"audit_lost"'))
    await expect.poll(() => lost().length, { timeout: 12_000 }).toBeGreaterThan(0)
    const counted = lost().map((line) => JSON.parse(line) as { tenant: string; entries: number; why: string })
    expect(counted.every(({ tenant, why }) => tenant === 'eu-bank' && why === 'unreachable')).toBe(true)
    expect((await admin(strict, 'FRA', '/tenants/eu-bank/audit')).status).toBe(503)
    expect((await admin(strict, 'FRA', '/tenants/eu-bank/audit/export')).status).toBe(503)
  })
})
