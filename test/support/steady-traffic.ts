/** Requests at a steady rate, on a clock of their own: nobody waits for the one before. */
import { askPool, type Answered } from './ask-pools.ts'
import type { ChatOptions } from './chat.ts'
import type { TestMesh } from './mesh.ts'

export interface Served extends Answered {
  /** When it was sent, milliseconds since the traffic began. */
  readonly atMs: number
}

export interface Traffic {
  /** Those that are answered, in the order in which they were sent. */
  served(): readonly Served[]
  /** Milliseconds since the traffic began. */
  nowMs(): number
  /** Sends no more, and resolves when all are answered. */
  stop(): Promise<void>
}

export interface Settled {
  /** Since when, in milliseconds after the interval began. */
  readonly afterMs: number
  /** How many were elsewhere from then on. */
  readonly strays: number
}

export function startTraffic(
  mesh: TestMesh,
  colo: string,
  perSecond: number,
  /** In turn. */
  options: readonly ChatOptions[],
): Traffic {
  const begunMs = performance.now()
  const nowMs = (): number => performance.now() - begunMs
  const served: Served[] = []
  const underWay = new Set<Promise<void>>()
  let sent = 0

  async function ask(): Promise<void> {
    const atMs = nowMs()
    const asked = askPool(mesh, colo, options[sent % options.length] ?? {})
    served.push({ atMs, ...(await asked.catch(() => ({ pool: 'no answer', route: '' }))) })
  }

  const timer = setInterval(() => {
    // A timer that comes late sends what it has missed.
    while (sent < (nowMs() * perSecond) / 1000) {
      const asked = ask()
      sent += 1
      underWay.add(asked)
      void asked.finally(() => underWay.delete(asked))
    }
  }, 1000 / perSecond)
  return {
    served: () => served.toSorted((a, b) => a.atMs - b.atMs),
    nowMs,
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
    },
  }
}

/**
 * Since when, of an interval, all requests were where they belong, but for as many as `mayStray` says of those from then on,
 * which were sent within so many milliseconds. Undefined where that was never so.
 */
export function settledIn(
  served: readonly Served[],
  [fromMs, untilMs]: readonly [number, number],
  belongs: (one: Served) => boolean,
  mayStray: (requests: number, ms: number) => number,
): Settled | undefined {
  const within = served.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
  for (const [index, { atMs }] of within.entries()) {
    const rest = within.slice(index)
    const strays = rest.filter((one) => !belongs(one)).length
    const isHere = rest[0] !== undefined && belongs(rest[0])
    if (isHere && strays <= mayStray(rest.length, untilMs - atMs)) return { afterMs: atMs - fromMs, strays }
  }
  return undefined
}
