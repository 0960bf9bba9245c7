/** What a TenantLedger can be asked about limits, money and usage. */
import type { Amounts } from '../../shared/ledger/amounts.ts'
import type { Batch } from '../../shared/ledger/batch.ts'
import type { Ask, Levels, Refusal } from '../../shared/ledger/draw.ts'
import type { Terms } from '../../shared/ledger/terms.ts'
import type { UsageCounts } from '../../shared/ledger/usage.ts'

/** Whose account: the tenant's, or one key's. */
export const TENANT_SCOPE = ''

export interface DrawRequest extends Ask {
  /** Names the slice: asked for again, it is the same one. */
  readonly id: string
  /** `TENANT_SCOPE`, or a key's id. */
  readonly scope: string
  /** By the config of whoever asks. */
  readonly terms: Terms
}

export type DrawAnswer =
  | {
      readonly kind: 'granted'
      readonly granted: Amounts
      readonly levels: Levels
      /** By model: what 95 of 100 answers without a limit stayed within. */
      readonly usualOutputs: Readonly<Record<string, number>>
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly levels: Levels }

export const USAGE_GROUPS = ['day', 'model', 'pool', 'key', 'kind'] as const
export type UsageGroup = (typeof USAGE_GROUPS)[number]

export interface UsageQuery {
  /** Days, both included. */
  readonly from: string
  readonly to: string
  readonly groupBy: readonly UsageGroup[]
  /** Only of this key. */
  readonly key?: string
}

export type UsageRow = UsageCounts & Partial<Record<UsageGroup, string>>

export interface UsageReport {
  readonly rows: readonly UsageRow[]
  /** There were more rows than an answer has. */
  readonly isCut: boolean
  /** Of all rows, also those that were cut off. */
  readonly total: UsageCounts
  /** In slices: neither spent nor given back. */
  readonly unsettled: Amounts
  /** In the periods of now: a day, a month, all time. */
  readonly spent: Readonly<Record<string, Pick<Amounts, 'microdollars' | 'tokens'>>>
}

export interface LedgerRpc {
  /** Grants a slice of what an account may have, or says why not. It is written before it is granted. */
  draw(request: DrawRequest): Promise<DrawAnswer>
  /** Books a batch, once for each name. When it returns the batch is written. */
  settle(batch: Batch): Promise<void>
  /** What was used, by what it is grouped by. */
  usage(query: UsageQuery): Promise<UsageReport>
}
