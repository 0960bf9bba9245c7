/** What this isolate has counted of its requests and its regions' monitors have not been told yet, by region. */
import { addCounts, createCounts, isEmpty, type Counts } from '../../shared/metrics/counts.ts'

export interface RequestCounts {
  /** What is counted from now on in a region; it is added to in place. */
  of(region: string): Counts
  hasNews(region: string): boolean
  /** What has been counted; then it counts as told. */
  take(region: string): Counts | undefined
  /** It did not arrive. */
  giveBack(region: string, counts: Counts): void
}

export function createRequestCounts(): RequestCounts {
  const untold = new Map<string, Counts>()

  function of(region: string): Counts {
    const counts = untold.get(region) ?? createCounts()
    untold.set(region, counts)
    return counts
  }

  function hasNews(region: string): boolean {
    const counts = untold.get(region)
    return counts !== undefined && !isEmpty(counts)
  }

  return {
    of,
    hasNews,
    take(region) {
      if (!hasNews(region)) return undefined
      const counts = of(region)
      untold.delete(region)
      return counts
    },
    giveBack: (region, counts) => addCounts(of(region), counts),
  }
}
