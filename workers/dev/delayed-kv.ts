/** KV as it is far from where a value was written: cold first reads, then stale ones. */
import type { Delays } from './delays.ts'

export interface DelayedKvOptions {
  readonly delays: Pick<Delays, 'kvColdMs' | 'kvStaleMs'>
  readonly now: () => number
  readonly wait: (ms: number) => Promise<unknown>
}

interface CachedRead {
  readonly readAtMs: number
  readonly value: Promise<unknown>
}

const READS: ReadonlySet<string> = new Set(['get', 'getWithMetadata'])
const WRITES: ReadonlySet<string> = new Set(['put', 'delete'])

/**
 * Wraps a namespace. A read is answered from what this isolate read before, present or absent, for `kvStaleMs`; else it
 * costs `kvColdMs`. A write is seen at once where it is made, as it usually is.
 */
export function delayedKv(namespace: KVNamespace, options: DelayedKvOptions): KVNamespace {
  const { delays, now, wait } = options
  const reads = new Map<string, CachedRead>()

  async function readCold(method: string, args: readonly unknown[]): Promise<unknown> {
    await wait(delays.kvColdMs)
    return call(namespace, method, args)
  }

  function read(method: string, args: readonly unknown[]): Promise<unknown> {
    const key = JSON.stringify([method, ...args])
    const cached = reads.get(key)
    if (cached !== undefined && now() - cached.readAtMs < delays.kvStaleMs) return cached.value
    const value = readCold(method, args)
    reads.set(key, { readAtMs: now(), value })
    return value
  }

  function write(method: string, args: readonly unknown[]): unknown {
    const key = JSON.stringify(args[0])
    for (const cached of reads.keys()) if (cached.includes(key)) reads.delete(cached)
    return call(namespace, method, args)
  }

  return new Proxy(namespace, {
    get(target, property) {
      const name = String(property)
      if (READS.has(name)) return (...args: unknown[]) => read(name, args)
      if (WRITES.has(name)) return (...args: unknown[]) => write(name, args)
      const member: unknown = Reflect.get(target, property)
      // A binding's methods refuse to run on anything but the binding, the proxy included.
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function call(namespace: KVNamespace, method: string, args: readonly unknown[]): unknown {
  // The proxy's caller has the method's own signature; here it is only passed on.
  const methods = namespace as unknown as Record<string, (...args: readonly unknown[]) => unknown>
  return methods[method]?.(...args)
}
