/**
 * The version of the config that this isolate acts under. Where the config is the deploy's, that is the deployed one, for
 * ever. Where it is stored, it is leased: renewed in the background while there are requests, waited for when it has run out,
 * and without it nobody is served, because something stricter may hold elsewhere.
 */
import { copyFrom, isUsable, type ConfigCopy } from '../../shared/lease/config-lease.ts'
import { LEASE_TTL_MS } from '../../shared/lease/lease.ts'
import type { Mesh } from '../mesh.ts'
import { meshOfText } from '../mesh-of-text.ts'
import type { Stubs } from '../objects/stubs.ts'
import type { Runtime } from '../runtime.ts'
import { within } from '../within.ts'
import { createConfigCache } from './config-cache.ts'

export interface ConfigLease {
  readonly mesh: Mesh
  /** On this isolate's clock. */
  readonly expiresAtMs: number
}

export interface ConfigLeases {
  /**
   * The newest version this isolate knows. For what is kept between requests, and not for what a request may do: it may be
   * out of date.
   */
  readonly newest: Mesh
  /** Undefined where nobody can say whether what we know is still true. `host` as the request names it; objects have none. */
  hold(
    host: string | undefined,
    waitUntil: (work: Promise<unknown>) => void,
  ): Promise<ConfigLease | undefined>
}

/** A store that has not answered by then is taken for lost. */
const GRANT_WITHIN_MS = 3000
/** Within this time one renewal in the background is enough. */
const RENEWAL_PAUSE_MS = 1000
/** How long a store that hung is not asked again, so that not every request waits for nothing. */
const SILENCE_MS = 1000
/** Requests that are under way, and an operator who goes back and forth, may use a few. */
const MAX_KEPT_VERSIONS = 4

export function createConfigLeases(
  deployed: Mesh,
  stubs: Pick<Stubs, 'configStore'>,
  runtime: Pick<Runtime, 'now' | 'snapshots' | 'log'>,
): ConfigLeases {
  if (deployed.config.config.source === 'file') {
    const forEver = { mesh: deployed, expiresAtMs: Infinity }
    return { newest: deployed, hold: () => Promise.resolve(forEver) }
  }

  const cache = createConfigCache(runtime)
  /** By version, in the order of their use; undefined: a text that this isolate's code cannot use. */
  const meshes = new Map<string, Mesh | undefined>()
  let held: (ConfigCopy & { readonly mesh: Mesh }) | undefined
  let newestNumber = 0
  let renewalStartedAtMs = -Infinity
  let silentUntilMs = -Infinity

  function meshOf(version: string, text: string): Mesh | undefined {
    if (meshes.has(version)) return meshes.get(version)
    const mesh = meshOfText(text, deployed)
    // A newer deploy can understand what this one does not: it will answer, this one cannot.
    if (!mesh.ok) runtime.log({ event: 'config_unusable', version, mistakes: mesh.error.length })
    meshes.set(version, mesh.ok ? mesh.value : undefined)
    for (const old of [...meshes.keys()].slice(0, -MAX_KEPT_VERSIONS)) meshes.delete(old)
    return meshes.get(version)
  }

  /** Answers can overtake one another; a newer entry, and of the same one the later end, counts. */
  function take(copy: ConfigCopy, mesh: Mesh | undefined): ConfigLease | undefined {
    const isNewer = copy.number > newestNumber
    if (copy.number < newestNumber) return live()
    newestNumber = copy.number
    if (mesh === undefined) {
      held = undefined
      return undefined
    }
    if (isNewer) runtime.log({ event: 'config', version: copy.version, number: copy.number })
    if (isNewer || held === undefined || held.expiresAtMs < copy.expiresAtMs) held = { ...copy, mesh }
    return live()
  }

  function live(): ConfigLease | undefined {
    return held !== undefined && runtime.now() < held.expiresAtMs ? held : undefined
  }

  async function fromCache(host: string, leastLeftMs: number): Promise<ConfigLease | undefined> {
    const copy = await cache.readLease(host)
    const nowMs = runtime.now()
    if (copy === undefined || !isUsable(copy, newestNumber, nowMs)) return undefined
    if (copy.expiresAtMs - nowMs <= leastLeftMs) return undefined
    if (meshes.has(copy.version)) return take(copy, meshes.get(copy.version))
    const text = await cache.readText(host, copy.version)
    return text === undefined ? undefined : take(copy, meshOf(copy.version, text))
  }

  async function fromStore(
    host: string | undefined,
    waitUntil: (work: Promise<unknown>) => void,
  ): Promise<ConfigLease | undefined> {
    const askedAtMs = runtime.now()
    const known = held?.version
    try {
      const grant = await within(stubs.configStore().grantLease(known), GRANT_WITHIN_MS)
      if (grant === undefined) {
        silentUntilMs = runtime.now() + SILENCE_MS
        return undefined
      }
      const copy = copyFrom(grant, askedAtMs)
      const text = grant.text ?? meshes.get(grant.version)?.configText
      if (text === undefined) return undefined
      if (host !== undefined) waitUntil(cache.write(host, copy, text))
      return take(copy, meshOf(grant.version, text))
    } catch {
      // Overloaded, unreachable, or its code was just replaced: all the same to this request.
      return undefined
    }
  }

  async function ask(
    host: string | undefined,
    leastLeftMs: number,
    waitUntil: (work: Promise<unknown>) => void,
  ): Promise<ConfigLease | undefined> {
    const copied = host === undefined ? undefined : await fromCache(host, leastLeftMs)
    if (copied !== undefined) return copied
    return runtime.now() < silentUntilMs ? undefined : fromStore(host, waitUntil)
  }

  return {
    get newest() {
      return held?.mesh ?? deployed
    },
    async hold(host, waitUntil) {
      const lease = live()
      // Every request that asks does so for itself: what one request waits for, another cannot rely on.
      if (lease === undefined) return ask(host, 0, waitUntil)
      const nowMs = runtime.now()
      const isDue = lease.expiresAtMs - nowMs <= LEASE_TTL_MS / 2
      if (isDue && nowMs - renewalStartedAtMs >= RENEWAL_PAUSE_MS) {
        renewalStartedAtMs = nowMs
        waitUntil(ask(host, LEASE_TTL_MS / 2, waitUntil))
      }
      return lease
    },
  }
}
