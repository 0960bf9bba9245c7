/** The load of llama.cpp's server: its gauges with `--metrics`, else its slots, which say nothing of who waits. */
import { gaugesReader } from './gauges.ts'
import { objectsIn, parseBody } from './json-body.ts'
import type { LoadDialect, LoadReading } from './load-dialect.ts'
import { readingOf } from './reading.ts'

export const llamacppLoad: LoadDialect = {
  sources: [
    {
      path: 'metrics',
      read: gaugesReader({
        running: ['llamacpp:requests_processing'],
        waiting: ['llamacpp:requests_deferred'],
        // Older servers had it.
        kvUse: ['llamacpp:kv_cache_usage_ratio'],
      }),
    },
    { path: 'slots', read: readSlots },
  ],
  probePath: 'health',
}

function readSlots(body: string): LoadReading | undefined {
  const slots = objectsIn(parseBody(body))
  if (slots === undefined || !slots.every((slot) => typeof slot.is_processing === 'boolean')) return undefined
  if (slots.length === 0) return undefined
  return readingOf({
    running: [slots.filter((slot) => slot.is_processing === true).length],
    maxRunning: [slots.length],
  })
}
