/** GET /metrics: what the monitors of all regions have counted and know, in the Prometheus text format. */
import type { Context } from 'hono'
import { exposition, EXPOSITION_TYPE, type AnsweredRegion } from '../../shared/metrics/exposition.ts'
import { edgeRegionOf } from '../../shared/residency/arrival.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { AppVariables } from '../app-variables.ts'
import type { Edge } from '../edge.ts'
import { within } from '../within.ts'

/** Well under the ten seconds that Prometheus waits. */
const MONITORS_WITHIN_MS = 3_000

export async function showMetrics(context: Context<AppVariables>): Promise<Response> {
  const edge = context.get('edge')
  const { mesh, runtime } = edge
  const from = edgeRegionOf(runtime.arrivalOf(context.req.raw), mesh.config.regions)
  const regions = await Promise.all(mesh.config.regions.map((region) => ask(region, from, edge)))
  return new Response(exposition(regions, runtime.now()), {
    headers: { 'content-type': EXPOSITION_TYPE, 'cache-control': 'no-store' },
  })
}

/** A monitor that does not answer keeps none of the others' figures back. */
async function ask(region: Region, from: Region, { stubs, runtime }: Edge): Promise<AnsweredRegion> {
  async function answer() {
    if (from.id !== region.id) await runtime.crossRegions(from, region)
    return stubs.regionMonitor(region).metrics(region.id)
  }
  try {
    const metrics = await within(answer(), MONITORS_WITHIN_MS)
    return { region: region.id, ...(metrics === undefined ? {} : { metrics }) }
  } catch {
    return { region: region.id }
  }
}
