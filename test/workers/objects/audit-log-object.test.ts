/** A tenant's audit log as an object: durable, whole after a restart, and empty of what is older than its retention. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { verifyChain, beginChain, type ChainLink } from '../../../shared/audit/chain.ts'
import type { AuditFacts } from '../../../shared/audit/entry.ts'
import { webCryptoDigests } from '../../../workers/digests.ts'
import type { Environment } from '../../../workers/environment.ts'
import { startMesh } from '../../../workers/mesh.ts'
import { auditLogClass } from '../../../workers/objects/audit-log-object.ts'
import { createStubs } from '../../../workers/objects/stubs.ts'
import { productionRuntime } from '../../../workers/runtime.ts'

const DAY_MS = 24 * 3_600_000
const CHAIN = 'eu-bank/0'

function aLog() {
  return env.AUDIT_LOG.getByName(`test/${crypto.randomUUID()}`)
}

function facts(request: string, atMs = Date.now()): AuditFacts {
  return {
    event: 'request',
    at: new Date(atMs).toISOString(),
    request_id: request,
    decision: 'allowed',
    rules: [],
    pools: [],
    config: 'cfg_1',
  }
}

const append = (...requests: string[]) => ({
  tenant: 'eu-bank',
  chain: CHAIN,
  facts: requests.map((request) => facts(request)),
})

const entriesIn = (lines: readonly string[]): ChainLink[] =>
  lines.map((line) => JSON.parse(line) as ChainLink)

/** The object's class on a clock of its own, and with another retention, if the test says so. */
function inOwnLog(
  part: (own: {
    readonly log: InstanceType<ReturnType<typeof auditLogClass>>
    readonly state: DurableObjectState
    readonly clock: { nowMs: number }
    readonly restart: (retentionDays?: number) => InstanceType<ReturnType<typeof auditLogClass>>
  }) => Promise<void>,
): Promise<void> {
  return runInDurableObject(aLog(), (_instance, state) => {
    // An hour ahead, so that no alarm comes by itself.
    const clock = { nowMs: Date.now() + 3_600_000 }
    const restart = (retentionDays = 365) => {
      // The whole config, as bound in vitest.config.ts.
      const config = JSON.parse(env.MESH_CONFIG ?? '{}') as { tenants: object[] }
      const tenants = config.tenants.map((tenant) => ({ ...tenant, audit_retention_days: retentionDays }))
      const own: Environment = { ...env, MESH_CONFIG: JSON.stringify({ ...config, tenants }) }
      const runtime = { ...productionRuntime, now: () => clock.nowMs }
      return new (auditLogClass(startMesh(own, ''), runtime))(state, own)
    }
    return part({ log: restart(), state, clock, restart })
  })
}

test('what was added is there after a restart, and the chain goes on from it', async () => {
  const log = aLog()
  await log.append(append('req_1', 'req_2'))
  await evictDurableObject(log)
  await log.append(append('req_3'))
  const [head] = await log.chains()
  expect(head).toMatchObject({ chain: CHAIN, seq: 3, base: { seq: 0 } })
  const entries = entriesIn(await log.page({ chain: CHAIN, after: 0, upTo: 3 }))
  expect(entries.map(({ request_id: request }) => request)).toEqual(['req_1', 'req_2', 'req_3'])
  const checked = await verifyChain(entries, await beginChain(CHAIN, webCryptoDigests), webCryptoDigests)
  expect(checked).toEqual({ ok: true, head: { chain: CHAIN, seq: 3, hash: head?.hash } })
})

test('an append that is repeated, also after a restart, adds nothing twice', async () => {
  const log = aLog()
  const same = append('req_1', 'req_2')
  await log.append(same)
  await evictDurableObject(log)
  await log.append(same)
  expect((await log.chains())[0]).toMatchObject({ seq: 2 })
})

test('entries that come at once from several isolates follow one another', async () => {
  const log = aLog()
  await Promise.all(Array.from({ length: 20 }, (_, number) => log.append(append(`req_${number}`))))
  const entries = entriesIn(await log.page({ chain: CHAIN, after: 0, upTo: 20 }))
  const checked = await verifyChain(entries, await beginChain(CHAIN, webCryptoDigests), webCryptoDigests)
  expect(checked).toMatchObject({ ok: true, head: { seq: 20 } })
})

test('entries end with an alarm when their time is over, and the chain then begins after them', async () => {
  await inOwnLog(async ({ log, state, clock }) => {
    const beganAtMs = clock.nowMs
    await log.append(append('req_1'))
    expect(await state.storage.getAlarm()).toBe(beganAtMs + 365 * DAY_MS + 1)
    clock.nowMs += DAY_MS
    await log.append(append('req_2'))

    clock.nowMs = beganAtMs + 365 * DAY_MS
    await log.alarm()
    expect((await log.chains())[0]).toMatchObject({ seq: 2, base: { seq: 0 } })
    clock.nowMs += 1
    await log.alarm()
    const [head] = await log.chains()
    expect(head).toMatchObject({ seq: 2, base: { seq: 1 } })
    const kept = entriesIn(await log.page({ chain: CHAIN, after: 1, upTo: 2 }))
    expect(kept.map(({ request_id: request }) => request)).toEqual(['req_2'])
    // The next one, when that is over.
    expect(await state.storage.getAlarm()).toBe(beganAtMs + DAY_MS + 365 * DAY_MS + 1)
  })
})

test('whoever reads after their time sees nothing of them, whether the alarm has run or not', async () => {
  await inOwnLog(async ({ log, clock }) => {
    await log.append(append('req_1'))
    expect((await log.find({}, 10)).lines).toHaveLength(1)
    clock.nowMs += 365 * DAY_MS + 1
    expect((await log.find({}, 10)).lines).toEqual([])
    expect((await log.chains())[0]).toMatchObject({ seq: 1, base: { seq: 1 } })
  })
})

test('a shorter retention holds from the config’s next start on', async () => {
  await inOwnLog(async ({ log, clock, restart }) => {
    await log.append(append('req_1'))
    clock.nowMs += 8 * DAY_MS
    expect((await log.find({}, 10)).lines).toHaveLength(1)
    expect((await restart(7).find({}, 10)).lines).toEqual([])
  })
})

test('entries that come one after the other end in groups: an alarm is not set for each', async () => {
  await inOwnLog(async ({ log, state, clock }) => {
    const beganAtMs = clock.nowMs
    for (let count = 0; count < 3; count += 1) {
      await log.append(append(`req_${count}`))
      clock.nowMs += 1_000
    }
    clock.nowMs = beganAtMs + 365 * DAY_MS + 1
    await log.alarm()
    expect(await state.storage.getAlarm()).toBe(clock.nowMs + 600_000)
  })
})

test('a log that holds nothing sets no alarm', async () => {
  const log = aLog()
  expect(await log.chains()).toEqual([])
  expect(await runDurableObjectAlarm(log)).toBe(false)
})

test('a log is named by its tenant’s keyed name and its number, in the home’s jurisdiction', () => {
  const home = { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: true }
  expect(createStubs(env, { kind: 'dev' }).auditLog(home, 'abc', 3).name).toBe('eu:audit/abc/3')
  expect(() => createStubs(env, { kind: 'single', jurisdiction: 'us' }).auditLog(home, 'abc', 3)).toThrow()
})
