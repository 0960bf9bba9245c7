/** Whole logs as they are kept. */
import type { KeptLog } from '../../../shared/log/document.ts'
import { createGenerationLog } from '../../../shared/log/generation-log.ts'
import { frame } from './a-generation.ts'

export interface KeptLogChanges {
  readonly text?: string
  readonly expiresAtMs?: number
  readonly createdAtMs?: number
  readonly pool?: string
}

export function aKeptLog(changes: KeptLogChanges = {}): KeptLog {
  const { text = 'answer', createdAtMs = 1_000_000, expiresAtMs = 4_600_000, pool = 'eu-central' } = changes
  const log = createGenerationLog('chat')
  log.producedBy({ pool, region: pool, jurisdiction: 'eu' })
  log.append(frame(text, { tokens: 1 }))
  log.append(frame('', { tokens: 1, reason: 'stop' }))
  log.count({ promptTokens: 7, completionTokens: 1, raw: '{}' })
  log.seal()
  return {
    log,
    life: { model: 'story', modelVersion: '1', createdAtMs, expiresAtMs },
    origin: { attempts: 1, route: 'measured 5ms', firstTokenMs: 5 },
  }
}
