/**
 * What an isolate has to tell a tenant's ledger. It is sealed into batches with names of their own, and a batch is sent again,
 * unchanged, until the ledger has acknowledged it; the ledger does nothing for a name it knows. So each entry counts once,
 * whatever becomes of a call.
 */
import { plus, type Amounts } from './amounts.ts'
import type { Release } from './pocket.ts'
import { mergeEntries, type UsageEntry } from './usage.ts'

/** Answers by their size, as output-sizes.ts counts them; only those whose clients gave no limit. */
export interface OutputCount {
  readonly model: string
  readonly bucket: number
  readonly count: number
}

export interface Batch {
  readonly id: string
  readonly entries: readonly UsageEntry[]
  readonly releases: readonly Release[]
  /** Slices that were asked for and never came: nobody will use them. */
  readonly voids: readonly string[]
  readonly outputs: readonly OutputCount[]
}

export type News = Omit<Batch, 'id'>

export interface Outbox {
  readonly news: News
  /** Sent, perhaps, and not acknowledged. */
  readonly sealed: readonly Batch[]
}

export const NO_NEWS: News = { entries: [], releases: [], voids: [], outputs: [] }
export const EMPTY_OUTBOX: Outbox = { news: NO_NEWS, sealed: [] }

/** More than this is summed up at once: what is told costs as much whether a second has ten requests or ten thousand. */
const SUMMED_FROM = 32

export function withNews({ news, sealed }: Outbox, more: Partial<News>): Outbox {
  const all: News = {
    entries: more.entries === undefined ? news.entries : [...news.entries, ...more.entries],
    releases: more.releases === undefined ? news.releases : [...news.releases, ...more.releases],
    voids: more.voids === undefined ? news.voids : [...news.voids, ...more.voids],
    outputs: more.outputs === undefined ? news.outputs : [...news.outputs, ...more.outputs],
  }
  const isLong = all.entries.length + all.releases.length + all.outputs.length >= SUMMED_FROM
  return { sealed, news: isLong ? summed(all) : all }
}

/** Makes a batch of the news, if there is any: sums, so that its size depends on names and not on requests. */
export function seal({ news, sealed }: Outbox, id: string): Outbox {
  if (!hasNews(news)) return { news, sealed }
  return { news: NO_NEWS, sealed: [...sealed, { id, ...summed(news) }] }
}

export function acknowledged({ news, sealed }: Outbox, id: string): Outbox {
  return { news, sealed: sealed.filter((batch) => batch.id !== id) }
}

export function isEmpty({ news, sealed }: Outbox): boolean {
  return sealed.length === 0 && !hasNews(news)
}

function hasNews({ entries, releases, voids, outputs }: News): boolean {
  return entries.length + releases.length + voids.length + outputs.length > 0
}

function summed({ entries, releases, voids, outputs }: News): News {
  return {
    entries: mergeEntries(entries),
    releases: mergeReleases(releases),
    voids,
    outputs: mergeOutputs(outputs),
  }
}

function mergeReleases(releases: readonly Release[]): readonly Release[] {
  const bySlice = new Map<string, Release>()
  for (const release of releases) {
    const known = bySlice.get(release.slice)
    bySlice.set(release.slice, known === undefined ? release : both(known, release))
  }
  return [...bySlice.values()]
}

function both(left: Release, right: Release): Release {
  const amounts: Amounts = plus(left.amounts, right.amounts)
  return {
    slice: left.slice,
    amounts,
    unused: {
      tokens: left.unused.tokens + right.unused.tokens,
      requests: left.unused.requests + right.unused.requests,
    },
  }
}

function mergeOutputs(outputs: readonly OutputCount[]): readonly OutputCount[] {
  const byName = new Map<string, OutputCount>()
  for (const output of outputs) {
    const name = `${output.bucket}\n${output.model}`
    const count = (byName.get(name)?.count ?? 0) + output.count
    byName.set(name, { ...output, count })
  }
  return [...byName.values()]
}
