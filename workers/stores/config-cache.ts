/**
 * Where a data centre's isolates leave each other leases on the config, and the texts: in its Cache API. A copy of a lease
 * ends when the lease does, so that whoever acts on it is done before a change of the config is.
 */
import { isObject } from '../../shared/is-object.ts'
import type { ConfigCopy } from '../../shared/lease/config-lease.ts'
import { versionOfText } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { within } from '../within.ts'

export interface ConfigCache {
  /** Undefined where there is none, or it takes longer than a moment. Never rejects. */
  readLease(host: string): Promise<ConfigCopy | undefined>
  /** The text of a version, if it is the one that the version is named by. Never rejects. */
  readText(host: string, version: string): Promise<string | undefined>
  /** Never rejects. */
  write(host: string, copy: ConfigCopy, text: string): Promise<void>
}

/** To be raised with every change to what is left there. */
const FORMAT = 1
/** A cache in the same building answers in a millisecond or two; the store is asked in place of a slow one. */
const READ_WITHIN_MS = 50
const WRITE_WITHIN_MS = 500
const LEASE_SECONDS = 5
const TEXT_SECONDS = 24 * 3600

export function createConfigCache(runtime: Pick<Runtime, 'snapshots'>): ConfigCache {
  const leaseKey = (host: string): string => `https://${host}/config/lease?format=${FORMAT}`
  const textKey = (host: string, version: string): string => `https://${host}/config/${version}`

  async function read(key: string): Promise<string | undefined> {
    const cache = await runtime.snapshots()
    return (await cache?.match(key))?.text()
  }

  async function readText(host: string, version: string): Promise<string | undefined> {
    const text = await read(textKey(host, version))
    return text !== undefined && (await versionOfText(text)) === version ? text : undefined
  }

  async function write(host: string, copy: ConfigCopy, text: string): Promise<void> {
    const cache = await runtime.snapshots()
    if (cache === undefined) return
    const held = await cache.match(textKey(host, copy.version))
    await held?.body?.cancel()
    if (held === undefined) {
      await cache.put(textKey(host, copy.version), stored(text, 'text/plain', TEXT_SECONDS))
    }
    await cache.put(leaseKey(host), stored(JSON.stringify(copy), 'application/json', LEASE_SECONDS))
  }

  return {
    async readLease(host) {
      const text = await within(read(leaseKey(host)), READ_WITHIN_MS).catch(() => undefined)
      return text === undefined ? undefined : copyIn(text)
    },
    readText: (host, version) => within(readText(host, version), READ_WITHIN_MS).catch(() => undefined),
    write: (host, copy, text) => within(write(host, copy, text), WRITE_WITHIN_MS).catch(() => undefined),
  }
}

function stored(body: string, type: string, seconds: number): Response {
  return new Response(body, { headers: { 'content-type': type, 'cache-control': `max-age=${seconds}` } })
}

function copyIn(text: string): ConfigCopy | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { number, version, expiresAtMs } = value
  if (!Number.isSafeInteger(number) || typeof version !== 'string' || !Number.isFinite(expiresAtMs)) {
    return undefined
  }
  // Checked just above; the checks do not narrow.
  return { number: number as number, version, expiresAtMs: expiresAtMs as number }
}
