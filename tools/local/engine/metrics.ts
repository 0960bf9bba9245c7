/** GET /metrics: vLLM's names and labels in Prometheus' text format. */
import type { Histogram } from './accounts.ts'
import type { Core } from './core.ts'

export function renderMetrics(core: Core): string {
  const { accounts, scheduler, settings } = core
  const labels = `model_name="${settings.servedModelName.replaceAll(/["\\\n]/g, '_')}",engine="0"`
  const promptTokens = accounts.promptTokensComputed + accounts.promptTokensCached
  const { blockSize, kvCacheSize } = settings
  const lines = [
    ...gauge('num_requests_running', scheduler.running(), labels),
    ...gauge('num_requests_waiting', scheduler.waiting(), labels),
    ...gauge('kv_cache_usage_perc', cacheUsage(core), labels),
    ...counter('prefix_cache_queries_total', promptTokens, labels),
    ...counter('prefix_cache_hits_total', accounts.promptTokensCached, labels),
    ...counter('prompt_tokens_total', promptTokens, labels),
    ...counter('prompt_tokens_cached_total', accounts.promptTokensCached, labels),
    ...counter('generation_tokens_total', accounts.tokensGenerated, labels),
    '# TYPE vllm:request_success_total counter',
    ...Object.entries(accounts.endings).map(
      ([reason, count]) => `vllm:request_success_total{${labels},finished_reason="${reason}"} ${count}`,
    ),
    '# TYPE vllm:cache_config_info gauge',
    `vllm:cache_config_info{block_size="${blockSize}",num_gpu_blocks="${kvCacheSize}",engine="0"} 1`,
    ...histogram('time_to_first_token_seconds', accounts.timeToFirstToken, labels),
    ...histogram('inter_token_latency_seconds', accounts.interToken, labels),
    ...histogram('request_queue_time_seconds', accounts.queueTime, labels),
    ...histogram('request_prefill_time_seconds', accounts.prefillTime, labels),
    ...histogram('e2e_request_latency_seconds', accounts.endToEnd, labels),
  ]
  return lines.join('\n') + '\n'
}

/** The share of blocks that running sequences hold; a block that is only remembered is free, as in vLLM. */
function cacheUsage(core: Core): number {
  const { blockSize, kvCacheSize } = core.settings
  let blocks = 0
  for (const { tokens } of core.sequences) blocks += Math.ceil(tokens / blockSize)
  return kvCacheSize === 0 ? 0 : Math.min(1, blocks / kvCacheSize)
}

function gauge(name: string, value: number, labels: string): string[] {
  return [`# TYPE vllm:${name} gauge`, `vllm:${name}{${labels}} ${value}`]
}

function counter(name: string, value: number, labels: string): string[] {
  return [`# TYPE vllm:${name} counter`, `vllm:${name}{${labels}} ${value}`]
}

function histogram(name: string, { boundsSeconds, counts, sumSeconds }: Histogram, labels: string): string[] {
  let below = 0
  const buckets = counts.map((count, index) => {
    below += count
    return `vllm:${name}_bucket{${labels},le="${boundsSeconds[index] ?? '+Inf'}"} ${below}`
  })
  return [
    `# TYPE vllm:${name} histogram`,
    ...buckets,
    `vllm:${name}_sum{${labels}} ${sumSeconds}`,
    `vllm:${name}_count{${labels}} ${below}`,
  ]
}
