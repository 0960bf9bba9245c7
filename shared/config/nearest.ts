/** Guesses which known name a misspelt one was meant to be. */

/** Longer names are not compared: the cost grows with the product of the lengths. */
const MAX_COMPARED_CHARACTERS = 64

/**
 * The name nearest to `given` by edit distance (Damerau-Levenshtein with adjacent transpositions), ignoring case;
 * undefined if none is within a third of its length. Of equally near names the first. A name of one or two letters is
 * only matched by the same letters in another order.
 */
export function nearest(given: string, names: Iterable<string>): string | undefined {
  if (given.length > MAX_COMPARED_CHARACTERS) return undefined
  // Two letters are one letter away from too much: "uk" is not a slip for "us".
  if (given.length < 3) return [...names].find((name) => sorted(name) === sorted(given))
  let best: string | undefined
  let bestDistance = Math.floor(given.length / 3) + 1
  for (const name of names) {
    if (Math.abs(name.length - given.length) >= bestDistance) continue
    const distance = editDistance(given.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

function sorted(name: string): string {
  return name.toLowerCase().split('').toSorted().join('')
}

function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let distance = Math.min(at(previous, j) + 1, at(current, j - 1) + 1, at(previous, j - 1) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, at(beforePrevious, j - 2) + 1)
      }
      current.push(distance)
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
