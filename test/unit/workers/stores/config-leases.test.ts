/** Under which version of the config an isolate acts, whom it asks for that, and when it acts under none. */
import { describe, expect, test } from 'vitest'
import type { Environment } from '../../../../workers/environment.ts'
import { startMesh, versionOfText } from '../../../../workers/mesh.ts'
import type { GrantedConfig } from '../../../../workers/objects/config-store-rpc.ts'
import type { Stubs } from '../../../../workers/objects/stubs.ts'
import { createConfigLeases } from '../../../../workers/stores/config-leases.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'

const HOST = 'edge.test'
const URLS = {
  'eu-central': 'http://10.0.0.1',
  'us-east': 'http://10.0.0.2',
  'ap-southeast': 'http://10.0.0.3',
}
const SECRET = 'a secret of thirty-two characters'

function textWith(max_messages: number, source = 'store'): string {
  return JSON.stringify(aMeshConfig(URLS, { config: { source }, limits: { max_messages } }))
}

function anIsolate(
  options: { source?: string; cache?: Map<string, string>; clock?: { nowMs: number } } = {},
) {
  const { cache = new Map<string, string>(), clock = { nowMs: 1_000_000 } } = options
  const bindings = {
    MESH_MODE: 'dev',
    MESH_FINGERPRINT_SECRET: SECRET,
    MESH_ENCRYPTION_SECRET: SECRET,
    MESH_ADMIN_TOKEN: SECRET,
  } as unknown as Environment
  const deployed = startMesh(bindings, textWith(1, options.source))
  const calls: string[] = []
  const background: Promise<unknown>[] = []
  const store = { number: 1, text: textWith(1), isDown: false }
  const configStore = () => ({
    async grantLease(known: string | undefined): Promise<GrantedConfig> {
      calls.push('store')
      if (store.isDown) throw new Error('gone')
      const version = await versionOfText(store.text)
      return { number: store.number, version, ...(known === version ? {} : { text: store.text }) }
    },
  })
  const match = (key: string): Promise<Response | undefined> => {
    calls.push('cache')
    const held = cache.get(key)
    return Promise.resolve(held === undefined ? undefined : new Response(held))
  }
  const put = async (key: string, response: Response): Promise<void> => {
    cache.set(key, await response.text())
  }
  const configs = createConfigLeases(
    deployed,
    // What is called of them, and no more.
    { configStore } as unknown as Pick<Stubs, 'configStore'>,
    {
      now: () => clock.nowMs,
      snapshots: () => Promise.resolve({ match, put } as unknown as Cache),
      log: () => undefined,
    },
  )
  return {
    store,
    calls,
    cache,
    clock,
    newest: () => configs.newest.config.limits.max_messages,
    /** The version's mark, or undefined without a lease. */
    async hold(): Promise<number | undefined> {
      const lease = await configs.hold(HOST, (work) => void background.push(work))
      return lease?.mesh.config.limits.max_messages
    },
    async settle() {
      await Promise.all(background.splice(0))
    },
  }
}

test('where the config is the deploy’s nobody is asked, ever', async () => {
  const isolate = anIsolate({ source: 'file' })
  isolate.store.isDown = true
  for (const afterMs of [0, 5000, 3_600_000]) {
    isolate.clock.nowMs += afterMs
    expect(await isolate.hold()).toBe(1)
  }
  expect(isolate.calls).toEqual([])
})

describe('where it is stored', () => {
  test('a live lease costs no call; at half its life it is renewed behind a request', async () => {
    const isolate = anIsolate()
    expect(await isolate.hold()).toBe(1)
    await isolate.settle()
    isolate.calls.length = 0
    isolate.clock.nowMs += 2499
    expect(await isolate.hold()).toBe(1)
    expect(isolate.calls).toEqual([])
    isolate.store.number = 2
    isolate.store.text = textWith(2)
    isolate.clock.nowMs += 1
    // The one that finds it due does not wait for it.
    expect(await isolate.hold()).toBe(1)
    await isolate.settle()
    expect(isolate.calls.filter((call) => call === 'store')).toHaveLength(1)
    expect(await isolate.hold()).toBe(2)
  })

  test('one that has ended is waited for; while the store is away there is none', async () => {
    const isolate = anIsolate()
    await isolate.hold()
    isolate.store.isDown = true
    isolate.clock.nowMs += 4999
    expect(await isolate.hold()).toBe(1)
    await isolate.settle()
    isolate.clock.nowMs += 1
    expect(await isolate.hold()).toBeUndefined()
    // What outlives requests goes on with what was known.
    expect(isolate.newest()).toBe(1)
    isolate.store.isDown = false
    expect(await isolate.hold()).toBe(1)
  })

  test('a second isolate takes the first one’s lease and text from the cache, and no longer than that lives', async () => {
    const first = anIsolate()
    first.store.text = textWith(7)
    await first.hold()
    await first.settle()
    const second = anIsolate({ cache: first.cache, clock: first.clock })
    second.store.isDown = true
    first.clock.nowMs += 4000
    expect(await second.hold()).toBe(7)
    expect(second.calls).not.toContain('store')
    first.clock.nowMs += 1000
    expect(await second.hold()).toBeUndefined()
  })

  test('a text in the cache that is not what its name says is not believed', async () => {
    const first = anIsolate()
    await first.hold()
    await first.settle()
    const version = await versionOfText(first.store.text)
    first.cache.set(`https://${HOST}/config/${version}`, textWith(666))
    const second = anIsolate({ cache: first.cache, clock: first.clock })
    expect(await second.hold()).toBe(1)
    expect(second.calls).toContain('store')
  })

  test('an isolate never goes back to an older entry, whoever offers it', async () => {
    const isolate = anIsolate()
    isolate.store.number = 5
    isolate.store.text = textWith(5)
    await isolate.hold()
    await isolate.settle()
    isolate.store.number = 4
    isolate.store.text = textWith(4)
    isolate.clock.nowMs += 5000
    expect(await isolate.hold()).toBeUndefined()
    // A rollback is a new entry.
    isolate.store.number = 6
    expect(await isolate.hold()).toBe(4)
  })

  test('a text that this code cannot use is not replaced by one that it can: nobody is served', async () => {
    const isolate = anIsolate()
    await isolate.hold()
    isolate.store.number = 2
    isolate.store.text = 'version = 2'
    isolate.clock.nowMs += 5000
    expect(await isolate.hold()).toBeUndefined()
    expect(await isolate.hold()).toBeUndefined()
  })
})
