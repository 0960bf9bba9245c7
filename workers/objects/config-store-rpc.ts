/** What the ConfigStore can be asked. */
import type { ConfigGrant } from '../../shared/lease/config-lease.ts'

/** What was done: the config of the first deploy was taken, one was put, or an old one was put back. */
export type ConfigAct = 'seed' | 'put' | 'rollback'

export interface ConfigEntry extends ConfigGrant {
  readonly atMs: number
  readonly act: ConfigAct
  /** Who did it, as the admin API knows him. */
  readonly who: string
  readonly note: string
}

export interface StoredConfig extends ConfigEntry {
  readonly text: string
}

export interface ConfigChange {
  /** The version it was made from: only that one is replaced. */
  readonly expected: string
  readonly version: string
  /** Without it, the text that is stored under the version. */
  readonly text?: string
  readonly act: Exclude<ConfigAct, 'seed'>
  readonly who: string
  readonly note: string
}

export interface GrantedConfig extends ConfigGrant {
  /** Left out where it is what the holder has. */
  readonly text?: string
}

export type ConfigChanged =
  | { readonly kind: 'changed'; readonly entry: ConfigEntry }
  /** It is what is there already; nothing was written. */
  | { readonly kind: 'unchanged'; readonly entry: ConfigEntry }
  | { readonly kind: 'conflict'; readonly current: string }
  /** There is no such version to go back to. */
  | { readonly kind: 'unknown' }

export interface ConfigStoreRpc extends Rpc.DurableObjectBranded {
  /** Grants the right to act under the current config for a few seconds. `known` is the version whose text the holder has. */
  grantLease(known: string | undefined): Promise<GrantedConfig>
  current(): Promise<StoredConfig>
  /** Replaces the config. Returns when nobody acts under an older one any more. */
  change(change: ConfigChange): Promise<ConfigChanged>
  /** Newest first, of numbers below `before`. */
  history(before: number | undefined): Promise<readonly ConfigEntry[]>
  /** The newest entry of a version. */
  version(id: string): Promise<StoredConfig | undefined>
}
