/**
 * API keys that are made, replaced and revoked while the mesh runs, beside those of the config. A tenant's ledger keeps them and
 * hands the live ones out with each lease, so that a request is checked without a call, and a revocation holds when every
 * older lease has run out. Of a secret only the SHA-256 is here.
 */
import { err, ok, type Result } from '../result.ts'
import type { Tenant } from '../schema/mesh.ts'

export interface ManagedKey {
  readonly id: string
  readonly sha256: string
  readonly createdAtMs: number
  /** The secret before this one, which counts until then. */
  readonly previous?: { readonly sha256: string; readonly untilMs: number }
  readonly expiresAtMs?: number
  /** Of the tenant's, those it may use; absent: all. */
  readonly models?: readonly string[]
  /** Of the tenant's, those it may claim; absent: all. */
  readonly dataClasses?: readonly string[]
}

export interface ManagedKeys {
  readonly keys: readonly ManagedKey[]
  /** Ids that are good no more: of the config's keys, and of managed ones, whose ids are not given out again. */
  readonly revoked: readonly string[]
}

export type KeyProblem = 'key_exists' | 'key_not_found' | 'key_in_config' | 'too_many_keys'

export const NO_KEYS: ManagedKeys = { keys: [], revoked: [] }
/** They travel with every lease. */
const MAX_KEYS = 200
/** An id of one that was revoked must stay known: logs and usage speak of it. */
const MAX_REVOKED = 2000

/** Adds a key. `configIds`: of the tenant's keys in the config. Fails with `key_exists` or `too_many_keys`. */
export function createKey(
  state: ManagedKeys,
  key: ManagedKey,
  configIds: readonly string[],
): Result<ManagedKeys, KeyProblem> {
  const isTaken = [...configIds, ...state.revoked, ...state.keys.map(({ id }) => id)].includes(key.id)
  if (isTaken) return err('key_exists')
  const live = liveKeys(state, key.createdAtMs)
  if (live.keys.length >= MAX_KEYS || state.revoked.length >= MAX_REVOKED) return err('too_many_keys')
  return ok({ keys: [...live.keys, key], revoked: state.revoked })
}

/** Gives a key another secret; the one before counts on until `overlapUntilMs`. Fails with `key_not_found` or `key_in_config`. */
export function rotateKey(
  state: ManagedKeys,
  change: { readonly id: string; readonly sha256: string; readonly overlapUntilMs: number },
  configIds: readonly string[],
): Result<ManagedKeys, KeyProblem> {
  const { id, sha256, overlapUntilMs } = change
  if (configIds.includes(id)) return err('key_in_config')
  if (!state.keys.some((key) => key.id === id)) return err('key_not_found')
  const keys = state.keys.map((key) =>
    key.id === id ? { ...key, sha256, previous: { sha256: key.sha256, untilMs: overlapUntilMs } } : key,
  )
  return ok({ ...state, keys })
}

/** Takes a key back, whoever made it. Again is not a mistake. Fails with `key_not_found` or `too_many_keys`. */
export function revokeKey(
  state: ManagedKeys,
  id: string,
  configIds: readonly string[],
): Result<ManagedKeys, KeyProblem> {
  if (state.revoked.includes(id)) return ok(state)
  if (!configIds.includes(id) && !state.keys.some((key) => key.id === id)) return err('key_not_found')
  if (state.revoked.length >= MAX_REVOKED) return err('too_many_keys')
  return ok({ keys: state.keys.filter((key) => key.id !== id), revoked: [...state.revoked, id] })
}

/** Without those that have expired. */
export function liveKeys(state: ManagedKeys, nowMs: number): ManagedKeys {
  return { ...state, keys: state.keys.filter(({ expiresAtMs = Infinity }) => nowMs < expiresAtMs) }
}

/** The key whose secret has this digest, if it counts now. */
export function findKey(state: ManagedKeys, sha256: string, nowMs: number): ManagedKey | undefined {
  // What is compared are digests: how long it takes says nothing about a secret to who cannot choose its digest.
  return liveKeys(state, nowMs).keys.find(
    ({ sha256: current, previous }) =>
      current === sha256 || (previous?.sha256 === sha256 && nowMs < previous.untilMs),
  )
}

/** The tenant as a key of its sees it: its models and data classes, as far as they are the key's too. */
export function tenantOf(tenant: Tenant, { id, sha256, models, dataClasses }: ManagedKey): Tenant {
  const own = {
    id,
    sha256,
    dev: false,
    ...(dataClasses === undefined ? {} : { data_classes: [...dataClasses] }),
  }
  const allowed =
    tenant.models === '*' ? models : tenant.models.filter((model) => models?.includes(model) ?? true)
  return { ...tenant, keys: [...tenant.keys, own], models: allowed === undefined ? '*' : [...allowed] }
}
