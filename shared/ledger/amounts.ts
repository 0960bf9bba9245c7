/** What a tenant's limits are counted in, and sums of it. */

export interface Amounts {
  readonly microdollars: number
  readonly tokens: number
  readonly requests: number
  /** Requests at once. */
  readonly places: number
}

export const DIMENSIONS = ['microdollars', 'tokens', 'requests', 'places'] as const

export const NOTHING: Amounts = { microdollars: 0, tokens: 0, requests: 0, places: 0 }

/** A sum or whatever else two amounts give, dimension by dimension. */
export function combine(left: Amounts, right: Amounts, how: (a: number, b: number) => number): Amounts {
  return {
    microdollars: how(left.microdollars, right.microdollars),
    tokens: how(left.tokens, right.tokens),
    requests: how(left.requests, right.requests),
    places: how(left.places, right.places),
  }
}

export function plus(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, (a, b) => a + b)
}

export function minus(left: Amounts, right: Amounts): Amounts {
  return combine(left, right, (a, b) => a - b)
}

export function timesAmounts(amounts: Amounts, factor: number): Amounts {
  return combine(amounts, NOTHING, (a) => a * factor)
}

/** Whether there is as much as is needed, of everything. */
export function covers(there: Amounts, need: Amounts): boolean {
  return DIMENSIONS.every((dimension) => there[dimension] >= need[dimension])
}

export function isNothing(amounts: Amounts): boolean {
  return DIMENSIONS.every((dimension) => amounts[dimension] === 0)
}
