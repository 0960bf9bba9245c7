/**
 * The load of TensorRT-LLM's `trtllm-serve`. Its gauges are there with `return_perf_metrics`, under a path of their own
 * or, behind Dynamo, under the common one. Without it the common path gives the statistics of each step since it was last
 * asked, as JSON: taken from the server by whoever asks, after up to two seconds where nothing is computed.
 */
import { isObject } from '../../../shared/is-object.ts'
import { gaugesReader } from './gauges.ts'
import { objectsIn, parseBody } from './json-body.ts'
import type { LoadDialect, LoadReading } from './load-dialect.ts'
import { readingOf } from './reading.ts'

const readGauges = gaugesReader({
  running: ['trtllm_num_requests_running', 'trtllm:num_requests_running'],
  waiting: ['trtllm_num_requests_waiting', 'trtllm:num_requests_waiting'],
  kvUse: ['trtllm_kv_cache_utilization', 'trtllm:kv_cache_utilization'],
})

export const trtllmLoad: LoadDialect = {
  sources: [
    { path: 'prometheus/metrics', read: readGauges },
    { path: 'metrics', read: (body) => readSteps(body) ?? readGauges(body) },
  ],
  probePath: 'health',
}

/** The newest step is how things stand; no step since the last time says that it is there, and no more. */
function readSteps(body: string): LoadReading | undefined {
  const steps = objectsIn(parseBody(body))
  const step = steps?.at(-1)
  if (step === undefined) return steps === undefined ? undefined : {}
  return readingOf({
    running: [step.numActiveRequests],
    waiting: [step.numQueuedRequests],
    kvUse: [blocksInUse(step.kvCacheStats)],
    maxRunning: [step.maxNumActiveRequests],
  })
}

function blocksInUse(stats: unknown): number | undefined {
  if (!isObject(stats)) return undefined
  const { usedNumBlocks, maxNumBlocks } = stats
  if (typeof usedNumBlocks !== 'number' || typeof maxNumBlocks !== 'number') return undefined
  return usedNumBlocks / maxNumBlocks
}
