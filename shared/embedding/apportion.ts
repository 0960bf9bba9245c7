/** Shares out what a pool counted for a batch over the inputs of it. */

/**
 * Largest remainder: each share is within one of its exact part, and together they are the total. Pools state only the
 * sum, yet each input is kept for itself and has to say what it cost. Of equal remainders the earlier goes first.
 * @param weights none negative, for instance bytes
 */
export function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0)
  const exact = weights.map((weight) => (sum === 0 ? total / weights.length : (total * weight) / sum))
  const shares = exact.map(Math.floor)
  const left = total - shares.reduce((all, share) => all + share, 0)
  const byRemainder = [...exact.keys()].toSorted((a, b) => remainder(b) - remainder(a) || a - b)
  for (const index of byRemainder.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1
  return shares

  function remainder(index: number): number {
    return (exact[index] ?? 0) - (shares[index] ?? 0)
  }
}
