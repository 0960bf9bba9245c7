/** TGI's load: the size of the batch that is being computed, and of the queue before it. */
import { gaugesReader } from './gauges.ts'
import type { LoadDialect } from './load-dialect.ts'

export const tgiLoad: LoadDialect = {
  sources: [
    {
      path: 'metrics',
      read: gaugesReader({ running: ['tgi_batch_current_size'], waiting: ['tgi_queue_size'] }),
    },
  ],
  // The first /health, and each after one that failed, generates a token.
  probePath: 'info',
}
