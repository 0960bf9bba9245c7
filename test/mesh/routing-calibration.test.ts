/** Over mixed traffic, times to first token come as they were expected. `npm run bench:routing` shows the figures. */
import { afterEach, expect, test } from 'vitest'
import { calibrationOf } from '../../tools/bench/calibration.ts'
import { planTraffic, sendTraffic } from '../../tools/bench/mixed-traffic.ts'
import { predictionsIn, routeLines } from '../../tools/bench/route-lines.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const COLOS = ['FRA', 'IAD', 'SIN']
const FIRST_REQUESTS = 10
/**
 * Rare enough that few prompts meet at a pool: the simulated ones compute them side by side, where a GPU's time is shared, and
 * so a queue is expected that is none.
 */
const TRAFFIC = { seed: 4, colos: COLOS, requestsPerColo: 70, perSecond: 3 }
const LEAST_PREDICTIONS = 170
const LONG_MS = 90_000

test(
  'expected and measured times to first token correlate, and half of them are less than a quarter apart',
  async () => {
    const started = (mesh = await startMesh({
      colos: COLOS,
      engine: {
        prefillOverheadMs: 15,
        prefillTimePerTokenMs: 0.1,
        interTokenLatencyMs: 5,
        maxNumSeqs: 32,
      },
      config: (urls) => aMeshConfig(urls, { routing: { log_share: 1 } }),
    }))
    const plan = planTraffic(TRAFFIC)
    await sendTraffic(plan, async ({ colo, messages, maxTokens }) => {
      const answer = await chat(started, colo, '', { body: { messages, max_tokens: maxTokens } })
      await answer.text()
    })
    await expect.poll(() => routeLines(started.logs).length, { timeout: 10_000 }).toBe(plan.length)

    const lines = routeLines(started.logs)
    const { requests, spearman, medianError } = calibrationOf(predictionsIn(lines, FIRST_REQUESTS))
    expect(requests).toBeGreaterThanOrEqual(LEAST_PREDICTIONS)
    expect(spearman).toBeGreaterThanOrEqual(0.8)
    expect(medianError).toBeLessThan(0.25)
    // Prompts that were warm are among them, or it would show nothing of them.
    const warm = lines.filter(({ candidates: [first] }) => (first?.warm_tokens ?? 0) > 256)
    expect(warm.length).toBeGreaterThan(LEAST_PREDICTIONS / 10)
  },
  LONG_MS,
)
