/**
 * What the mesh takes from the world besides its bindings: time, randomness, the place a request arrived at, the
 * network and the log. The production runtime is here; the local one, which can pretend, is in dev/.
 */
import { toHex } from '../shared/fingerprint/bytes.ts'
import type { NodePlace } from '../shared/config/node-place.ts'
import type { Arrival } from '../shared/residency/arrival.ts'
import type { Region } from '../shared/schema/mesh.ts'

export interface Runtime {
  /** Milliseconds since the epoch. On Cloudflare it advances only at I/O: time fetches with it, never pure CPU. */
  now(): number
  /** Uniform in [0, 1). */
  random(): number
  /** `count` random bytes as lower-case hex. */
  randomHex(count: number): string
  /** Where the request arrived, from what the platform says and never from what the client says. */
  arrivalOf(request: Request): Arrival
  /** Sends an outgoing request. `from` is where we are, which only the local runtime needs to know. */
  send(url: string, init: RequestInit, from: Region): Promise<Response>
  /** Resolves when a message from one region to an object living in another could have been there and back. */
  crossRegions(from: Region, to: Region): Promise<void>
  /** Resolves when a write would be durable, beyond what the platform itself waits for. */
  committed(): Promise<void>
  /** The store of answers that may be replicated everywhere. */
  answers(namespace: KVNamespace): KVNamespace
  /** Where a data centre's isolates leave each other snapshots of their region; undefined where there is no cache. */
  snapshots(): Promise<Cache | undefined>
  /** Writes one structured line to the log. */
  log(line: Readonly<Record<string, unknown>>): void
}

/** The runtime on Cloudflare and on one's own workerd. */
export const productionRuntime: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  randomHex,
  arrivalOf: arrivalFromPlatform,
  send: (url, init) => fetch(url, init),
  crossRegions: () => Promise.resolve(),
  committed: () => Promise.resolve(),
  answers: (namespace) => namespace,
  snapshots,
  log: (line) => {
    // The one place that writes to the console: every line is an object of ours.
    // oxlint-disable-next-line no-console
    console.log(JSON.stringify(line))
  },
}

/**
 * The production runtime of a node whose place its operator states: every request arrives there, whatever it says of itself.
 * Without a place, the platform says it of each request.
 */
export function runtimeAt(place: NodePlace | undefined): Runtime {
  if (place === undefined) return productionRuntime
  return {
    ...productionRuntime,
    arrivalOf: (request) => ({ host: new URL(request.url).hostname, ...place }),
  }
}

async function snapshots(): Promise<Cache | undefined> {
  try {
    return await caches.open('warmpath')
  } catch {
    // One's own workerd may have no cache.
    return undefined
  }
}

function randomHex(count: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(count)))
}

/** Reads `request.cf`, which workerd leaves out where no front end supplies it. */
export function arrivalFromPlatform(request: Request): Arrival {
  const cf: Partial<IncomingRequestCfProperties> = request.cf ?? {}
  const latitude = coordinate(cf.latitude)
  const longitude = coordinate(cf.longitude)
  return {
    host: new URL(request.url).hostname,
    ...(typeof cf.colo === 'string' ? { colo: cf.colo } : {}),
    ...(typeof cf.country === 'string' ? { country: cf.country } : {}),
    ...(typeof cf.continent === 'string' ? { continent: cf.continent } : {}),
    ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
  }
}

function coordinate(text: unknown): number | undefined {
  const value = typeof text === 'string' ? Number.parseFloat(text) : Number.NaN
  return Number.isFinite(value) ? value : undefined
}
