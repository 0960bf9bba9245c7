/** vLLM's load: gauges of each engine (a data-parallel rank is one). How much it may run at once it does not tell. */
import { gaugesReader } from './gauges.ts'
import type { LoadDialect } from './load-dialect.ts'

export const vllmLoad: LoadDialect = {
  sources: [
    {
      path: 'metrics',
      read: gaugesReader({
        running: ['vllm:num_requests_running'],
        waiting: ['vllm:num_requests_waiting'],
        // The second one up to 2025; for some versions both were there.
        kvUse: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
      }),
    },
  ],
  probePath: 'health',
}
