/** What many measurements of one thing say. */

export interface Summary {
  readonly p50: number
  readonly p95: number
}

/** @throws where nothing was measured */
export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b)
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
}

/** Interpolated between the two neighbours, as numpy and Excel do. @throws where there are none */
export function quantile(sorted: readonly number[], q: number): number {
  const place = (sorted.length - 1) * q
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  if (below === undefined || above === undefined) throw new Error('nothing was measured')
  return below + (above - below) * (place - Math.floor(place))
}
