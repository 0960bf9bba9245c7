/**
 * What this isolate has seen of each pool: time to first token, requests in flight, failures. It is kept per region it was
 * seen from, because the same pool is near from one and far from another (one isolate sees several only locally).
 */
import { UNKNOWN_POOL, type PoolState } from '../../shared/pool/snapshot.ts'

export interface PoolStates {
  seenFrom(region: string): RegionView
}

export interface RegionView {
  /** By pool id; a pool nobody has used from here is not in it. */
  readonly all: ReadonlyMap<string, PoolState>
  update(pool: string, transition: (state: PoolState) => PoolState): void
}

export function createPoolStates(): PoolStates {
  const views = new Map<string, RegionView>()
  return {
    seenFrom(region) {
      const view = views.get(region) ?? createView()
      views.set(region, view)
      return view
    },
  }
}

function createView(): RegionView {
  const states = new Map<string, PoolState>()
  return {
    all: states,
    update(pool, transition) {
      states.set(pool, transition(states.get(pool) ?? UNKNOWN_POOL))
    },
  }
}
