/** A receipt of a fresh answer, to be changed. */
import type { ReceiptInput } from '../../../shared/receipt/receipt.ts'

export const FACTS = {
  outcome: 'miss',
  pool: 'eu-1',
  region: 'eu-central',
  jurisdiction: 'eu',
  attempts: 1,
  route: 'nearest',
  modelVersion: 'story-1',
  createdAtMs: Date.UTC(2026, 10, 24, 14, 59, 58, 500),
  firstTokenMs: 40,
} as const

export function aReceiptInput(change: Partial<ReceiptInput> = {}): ReceiptInput {
  return {
    issuer: 'https://mesh.example',
    audience: 'acme',
    id: 'rcpt_1',
    nowMs: Date.UTC(2026, 10, 24, 15, 0, 0, 999),
    requestId: 'req_1',
    tenant: 'acme',
    surface: 'chat',
    model: 'story',
    requestDigest: 'A'.repeat(43),
    answerDigest: 'yTseR1-FBofwdXa9N7EnsozQ8M47bxYleCjnVGGt2ZM',
    outcome: 'completed',
    facts: FACTS,
    pools: [{ pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' }],
    cache: 'miss',
    rules: ['eu-only'],
    isRestricted: true,
    configVersion: 'cfg_0123456789ab',
    ...change,
  }
}
