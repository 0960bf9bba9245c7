/**
 * The local runtime: lets a request pretend where it arrives, tells simulated pools how far away they are, and can add the
 * delays that a laptop hides. Only the local entry imports it; the production bundle does not contain it.
 */
import type { Arrival } from '../../shared/residency/arrival.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { textBinding, type Environment } from '../environment.ts'
import { arrivalFromPlatform, productionRuntime, type Runtime } from '../runtime.ts'
import { COLOS } from './colos.ts'
import { delayedKv } from './delayed-kv.ts'
import { parseDelays } from './delays.ts'
import { typicalRttMs } from './typical-rtt.ts'

/** Set by whoever tries the mesh: the data centre a request seems to arrive at. */
const COLO_HEADER = 'x-mesh-dev-colo'
/** Set for simulated pools: the region the request comes from. */
const EDGE_REGION_HEADER = 'x-sim-edge-region'

export function devRuntime(env: Environment, config: MeshConfig): Runtime {
  const delays = parseDelays(textBinding(env, 'MESH_DEV_DELAYS'))
  const usualColo = textBinding(env, 'MESH_DEV_COLO') ?? config.regions.flatMap(({ colos }) => colos)[0]
  const wait = (ms: number): Promise<void> => scheduler.wait(ms)
  return {
    ...productionRuntime,
    arrivalOf: (request) => pretendedArrival(request, usualColo),
    send: (url, init, from) => {
      const headers = new Headers(init.headers)
      headers.set(EDGE_REGION_HEADER, from.id)
      return fetch(url, { ...init, headers })
    },
    async crossRegions(from, to) {
      if (delays.objects) await wait(typicalRttMs(from, to))
    },
    async committed() {
      if (delays.commitMs > 0) await wait(delays.commitMs)
    },
    answers: (namespace) =>
      delays.kvColdMs === 0 && delays.kvStaleMs === 0
        ? namespace
        : delayedKv(namespace, { delays, now: () => Date.now(), wait }),
  }
}

/** A data centre that is not in the table is known by its code alone, as a new one would be. */
function pretendedArrival(request: Request, usualColo: string | undefined): Arrival {
  const { host } = arrivalFromPlatform(request)
  const colo = request.headers.get(COLO_HEADER) ?? usualColo
  return colo === undefined ? { host } : { host, colo, ...COLOS[colo] }
}
