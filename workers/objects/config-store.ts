/**
 * ConfigStore: the one object that holds the config's versions, where the config is not the deploy's alone. It grants the
 * leases that everybody acts under, so that a change has happened everywhere when its call returns.
 */
import { DurableObject } from 'cloudflare:workers'
import { changed, granted, startGrants, waitFor, type Grants } from '../../shared/lease/grants.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createConfigEntries, type ConfigEntries } from './config-entries.ts'
import type {
  ConfigChange,
  ConfigChanged,
  ConfigEntry,
  ConfigStoreRpc,
  GrantedConfig,
  StoredConfig,
} from './config-store-rpc.ts'
import type { Methods } from './methods.ts'

/** Makes the class for a mesh, whose config is the first version, and a runtime. */
export function configStoreClass(deployed: Pick<Mesh, 'configText' | 'configVersion'>, runtime: Runtime) {
  return class ConfigStore extends DurableObject<Environment> implements Methods<ConfigStoreRpc> {
    readonly #entries: ConfigEntries
    #current: StoredConfig | undefined
    /** After a restart it assumes that somebody holds a lease: what was granted before is not remembered. */
    #grants: Grants = startGrants(runtime.now())

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      this.#entries = createConfigEntries(ctx.storage)
      this.#current = this.#entries.latest()
      if (this.#current === undefined) void ctx.blockConcurrencyWhile(() => this.#seed())
    }

    grantLease(known: string | undefined): Promise<GrantedConfig> {
      const { number, version, text } = this.#stored
      this.#grants = granted(this.#grants, runtime.now())
      return Promise.resolve({ number, version, ...(known === version ? {} : { text }) })
    }

    current(): Promise<StoredConfig> {
      return Promise.resolve(this.#stored)
    }

    async change(change: ConfigChange): Promise<ConfigChanged> {
      const made = this.#change(change)
      if (made.kind === 'conflict' || made.kind === 'unknown') return made
      await runtime.committed()
      // Also where nothing was changed: who asks again, because an answer was lost, is to be as sure as the first time.
      await scheduler.wait(waitFor(this.#grants, runtime.now()))
      return made
    }

    history(before: number | undefined): Promise<readonly ConfigEntry[]> {
      return Promise.resolve(this.#entries.before(before))
    }

    version(id: string): Promise<StoredConfig | undefined> {
      return Promise.resolve(this.#entries.find(id))
    }

    get #stored(): StoredConfig {
      if (this.#current === undefined) throw new Error('no call comes before there is a first version')
      return this.#current
    }

    /** Without a wait in it, so that of two who replace the same version one comes too late. */
    #change({ expected, version, text: given, act, who, note }: ConfigChange): ConfigChanged {
      const { text: _text, ...current } = this.#stored
      if (version === current.version) return { kind: 'unchanged', entry: current }
      if (expected !== current.version) return { kind: 'conflict', current: current.version }
      const text = given ?? this.#entries.find(version)?.text
      if (text === undefined) return { kind: 'unknown' }
      const entry = this.#entries.add({ version, atMs: runtime.now(), act, who, note }, text)
      this.#current = { ...entry, text }
      this.#grants = changed(this.#grants)
      return { kind: 'changed', entry }
    }

    async #seed(): Promise<void> {
      const { configText: text } = deployed
      const seed = { version: await deployed.configVersion(), atMs: runtime.now(), act: 'seed' as const }
      const entry = this.#entries.add({ ...seed, who: 'deploy', note: '' }, text)
      this.#current = { ...entry, text }
    }
  }
}
