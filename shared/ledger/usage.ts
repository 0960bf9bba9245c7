/** Usage entries: what was used, by model, pool, key and kind of end; and their sums, in which order and number do not matter. */

export interface UsageName {
  readonly model: string
  /** Empty where no pool had a part in it. */
  readonly pool: string
  readonly key: string
  /** One of the kinds of settlement.ts. */
  readonly kind: string
}

export interface UsageCounts {
  readonly requests: number
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly completionTokens: number
  readonly microdollars: number
  readonly savedHit: number
  readonly savedCoalesced: number
  readonly savedPrefix: number
}

export interface UsageEntry extends UsageName, UsageCounts {}

export const NO_USAGE: UsageCounts = {
  requests: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  microdollars: 0,
  savedHit: 0,
  savedCoalesced: 0,
  savedPrefix: 0,
}

export const COUNTS = [
  'requests',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'microdollars',
  'savedHit',
  'savedCoalesced',
  'savedPrefix',
] as const satisfies readonly (keyof UsageCounts)[]

export function sumCounts(left: UsageCounts, right: UsageCounts): UsageCounts {
  return {
    requests: left.requests + right.requests,
    promptTokens: left.promptTokens + right.promptTokens,
    cachedTokens: left.cachedTokens + right.cachedTokens,
    completionTokens: left.completionTokens + right.completionTokens,
    microdollars: left.microdollars + right.microdollars,
    savedHit: left.savedHit + right.savedHit,
    savedCoalesced: left.savedCoalesced + right.savedCoalesced,
    savedPrefix: left.savedPrefix + right.savedPrefix,
  }
}

/** Tokens that a budget and a limit per minute count. */
export function tokensOf({ promptTokens, completionTokens }: UsageCounts): number {
  return promptTokens + completionTokens
}

/** The same entries with one for each name: as many as the config has names, however many requests there were. */
export function mergeEntries(entries: readonly UsageEntry[]): readonly UsageEntry[] {
  const byName = new Map<string, UsageEntry>()
  for (const entry of entries) {
    const name = `${entry.model}\n${entry.pool}\n${entry.key}\n${entry.kind}`
    const known = byName.get(name)
    byName.set(name, known === undefined ? entry : { ...known, ...sumCounts(known, entry) })
  }
  return [...byName.values()]
}
