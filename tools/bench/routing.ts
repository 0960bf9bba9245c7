/**
 * `npm run bench:routing`: how well times to first token are predicted, as markdown. Starts a mesh and its pools on this machine
 * with the delays of the real network and sends mixed traffic to several data centres. `-- --quick` sends less.
 */
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { buildLocalEntry } from '../build/local-entry.ts'
import { COLOS, startBenchMesh, type BenchMesh, type Colo } from './bench-mesh.ts'
import { calibrationOf } from './calibration.ts'
import { markdownTable, shown } from './markdown-table.ts'
import { planTraffic, sendTraffic, type PlannedRequest } from './mixed-traffic.ts'
import { predictionsIn, routeLines, shareAtBest, type RouteLine } from './route-lines.ts'
import { timed } from './timed-request.ts'

/** In a region each, so that what is logged of the region is of the data centre. */
const ASKED: readonly Colo[] = COLOS.filter((colo) => colo !== 'AMS')
const FULL = { requestsPerColo: 200, perSecond: 3 }
const QUICK = { requestsPerColo: 40, perSecond: 3 }
const SEED = 4
/** To each data centre; nothing was known before them. */
const FIRST_REQUESTS = 10
/** An 8B model on one data centre GPU, within its published range. */
const OVERHEAD_MS = 15
const MS_PER_TOKEN = 0.1
const TOKEN_MS = 5
const LOGGED_WITHIN_MS = 5_000
const POLL_MS = 50

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const plan = planTraffic({ seed: SEED, colos: ASKED, ...(values.quick ? QUICK : FULL) })

console.error('building …')
const entry = await buildLocalEntry()
try {
  const lines = await measure()
  console.log(`${availableParallelism()} cores, load ${shown(loadavg()[0] ?? NaN)} at the end.`)
  console.log(
    `Prompts take a pool ${OVERHEAD_MS} ms and ${MS_PER_TOKEN} ms for each token that is not cached.\n`,
  )
  console.log(tableOf(lines))
} finally {
  await entry.remove()
}

async function measure(): Promise<readonly RouteLine[]> {
  const logs: string[] = []
  const mesh = await startBenchMesh({
    workerDir: entry.dir,
    isDelayed: true,
    promotions: 0,
    engineFlags: [
      ['--prefill-overhead', String(OVERHEAD_MS)],
      ['--prefill-time-per-token', String(MS_PER_TOKEN)],
      ['--inter-token-latency', String(TOKEN_MS)],
    ].flat(),
    onLog: (line) => logs.push(line),
  })
  try {
    console.error(`${plan.length} requests …`)
    await sendTraffic(plan, (request) => timed(toEdge(mesh, request)))
    const endsAtMs = performance.now() + LOGGED_WITHIN_MS
    while (routeLines(logs).length < plan.length && performance.now() < endsAtMs) await wait(POLL_MS)
    return routeLines(logs)
  } finally {
    await mesh.stop()
  }
}

function toEdge(mesh: BenchMesh, { colo, messages, maxTokens }: PlannedRequest) {
  const asked = ASKED.find((known) => known === colo)
  if (asked === undefined) throw new Error(`no data centre ${colo}`)
  return {
    url: `${mesh.url(asked)}/v1/chat/completions`,
    method: 'POST',
    headers: { authorization: `Bearer ${mesh.key}`, 'content-type': 'application/json' },
    // Private: ranked by the edge itself, and never answered from what is stored.
    body: JSON.stringify({ model: 'story', messages, max_tokens: maxTokens, temperature: 1, stream: true }),
  } as const
}

function tableOf(lines: readonly RouteLine[]): string {
  const origins = [...Map.groupBy(lines, ({ origin }) => origin)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const head = ['seen from', 'requests', 'Spearman', 'median error, %', 'p90 error, %', 'at the best, %']
  return markdownTable(head, [
    ...origins.map(([origin, some]) => row(origin, some)),
    row('all of them', lines),
  ])
}

function row(name: string, lines: readonly RouteLine[]): readonly string[] {
  const { requests, spearman, medianError, p90Error } = calibrationOf(predictionsIn(lines, FIRST_REQUESTS))
  const percents = [medianError, p90Error, shareAtBest(lines)].map((share) => shown(100 * share))
  return [name, String(requests), spearman.toFixed(3), ...percents]
}
