/**
 * Predicted and measured times to first token agree, over traffic of all sizes from several data centres; and every decision
 * can be made again from its line in the log.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repick, type DescribedRanking } from '../../shared/routing/describe.ts'
import { calibrationOf, type Predicted } from '../../tools/bench/calibration.ts'
import { markdownTable, shown } from '../../tools/bench/markdown-table.ts'
import { chat, type ChatOptions } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

interface RouteLine extends DescribedRanking {
  readonly event: string
  readonly origin: string
  readonly answered_by?: string
  readonly first_token_ms?: number
  readonly attempts?: number
}

const COLOS = ['FRA', 'IAD', 'SIN']
const REQUESTS = 75
/** What is learned from the first ones: rates, and the ways. */
const LEARNING = 15
const WORDS = [30, 200, 700, 1500, 80, 400]
const SECRET_WORD = 'heliotrope'
const LONG_MS = 240_000

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: COLOS,
    engine: { prefillTimePerTokenMs: 0.1, prefillOverheadMs: 15, maxNumSeqs: 16 },
    config: (urls) => aMeshConfig(urls, { routing: { log_share: 1 } }),
  })
  // Two at a time, so that the machine's cores are not what is measured.
  for (const colo of COLOS) {
    for (let request = 0; request < REQUESTS; request += 1) await ask(colo, request)
  }
}, LONG_MS)
afterAll(() => mesh.stop())

/** A third are next turns of conversations, a third are shared, and sizes go round. */
async function ask(colo: string, request: number): Promise<void> {
  const words = WORDS[request % WORDS.length] ?? 30
  const topic = request % 3 === 0 ? `${colo} conversation ${request % 4}` : `${colo} ${request}`
  const text = Array.from({ length: words }, (_, word) => `${topic.replaceAll(' ', '-')}-${word}`).join(' ')
  const options: ChatOptions = { body: { max_tokens: 3, ...(request % 3 === 1 ? { temperature: 0 } : {}) } }
  const response = await chat(mesh, colo, `${SECRET_WORD} ${text}`, options)
  expect(response.status).toBe(200)
  await response.text()
}

function routeLines(): readonly RouteLine[] {
  return mesh.logs.flatMap((line) => {
    // Written by the product just now.
    const parsed = JSON.parse(line) as RouteLine
    return parsed.event === 'route' ? [parsed] : []
  })
}

function predictionsFrom(origin: string): readonly Predicted[] {
  return routeLines()
    .filter((line) => line.origin === origin && line.attempts === 1)
    .slice(LEARNING)
    .map(({ candidates, first_token_ms: observedMs = 0 }) => ({
      predictedMs: candidates[0]?.estimate_ms ?? 0,
      observedMs: Math.max(1, observedMs),
    }))
}

test('every decision can be made again from its line, which holds nothing of a prompt', () => {
  const lines = routeLines()
  // Answers that were known already needed no decision.
  expect(lines.length).toBeGreaterThanOrEqual(COLOS.length * REQUESTS * 0.9)
  for (const line of lines) {
    const [first] = line.candidates
    expect(repick(line)).toEqual({ pool: first?.pool, reason: line.reason })
    expect(line.answered_by).toBe(first?.pool)
  }
  expect(mesh.logs.filter((line) => line.includes(SECRET_WORD))).toEqual([])
})

test('what is predicted to take longer takes longer, and the usual error is less than a quarter', () => {
  const origins = ['eu-central', 'us-east', 'ap-southeast']
  const rows = origins.map((origin) => [origin, predictionsFrom(origin)] as const)
  const all = rows.flatMap(([, predictions]) => predictions)
  const table = [...rows, ['all', all] as const].map(([name, predictions]) => {
    const { requests, spearman, medianError, p95Error } = calibrationOf(predictions)
    return [
      name,
      String(requests),
      shown(spearman),
      `${shown(medianError * 100)} %`,
      `${shown(p95Error * 100)} %`,
    ]
  })
  console.log(markdownTable(['from', 'requests', 'Spearman', 'median error', 'p95 error'], table))
  const { spearman, medianError } = calibrationOf(all)
  expect(spearman).toBeGreaterThanOrEqual(0.8)
  expect(medianError).toBeLessThan(0.25)
})
