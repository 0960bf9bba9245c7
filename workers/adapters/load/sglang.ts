/** SGLang's load: a report of each data-parallel rank, which every server has; gauges only with `--enable-metrics`. */
import { isObject } from '../../../shared/is-object.ts'
import { gaugesReader } from './gauges.ts'
import { objectsIn, parseBody } from './json-body.ts'
import type { LoadDialect, LoadReading } from './load-dialect.ts'
import { readingOf } from './reading.ts'

export const sglangLoad: LoadDialect = {
  sources: [
    { path: 'v1/loads?include=core', read: readLoads },
    { path: 'get_load', read: readOldLoads },
    {
      path: 'metrics',
      read: gaugesReader(
        {
          running: ['sglang:num_running_reqs', 'sglang_num_running_reqs'],
          waiting: ['sglang:num_queue_reqs', 'sglang_num_queue_reqs'],
          runningTokens: ['sglang:num_used_tokens', 'sglang_num_used_tokens'],
          kvUse: ['sglang:token_usage', 'sglang_token_usage'],
        },
        // Beside a rank's total there may be a sample per `priority`, and a copy from each rank that shares its work.
        ['model_name', 'dp_rank'],
      ),
    },
  ],
  // Its /health generates a token by default, and takes a second or more for that.
  probePath: 'v1/models',
}

function readLoads(body: string): LoadReading | undefined {
  const report = parseBody(body)
  const ranks = isObject(report) ? objectsIn(report.loads) : undefined
  return (
    ranks &&
    readingOf({
      running: ranks.map((rank) => rank.num_running_reqs),
      waiting: ranks.map((rank) => rank.num_waiting_reqs),
      waitingTokens: ranks.map((rank) => rank.num_waiting_uncached_tokens),
      runningTokens: ranks.map((rank) => rank.num_used_tokens),
      kvUse: ranks.map((rank) => rank.token_usage),
      maxRunning: ranks.map((rank) => rank.max_running_requests),
    })
  )
}

/** Here running requests are the rest of all. Its tokens are those held and those that wait, cached ones too: no use. */
function readOldLoads(body: string): LoadReading | undefined {
  const ranks = objectsIn(parseBody(body))
  return (
    ranks &&
    readingOf({
      running: ranks.map((rank) => difference(rank.num_reqs, rank.num_waiting_reqs)),
      waiting: ranks.map((rank) => rank.num_waiting_reqs),
    })
  )
}

function difference(all: unknown, part: unknown): number | undefined {
  return typeof all === 'number' && typeof part === 'number' ? all - part : undefined
}
