/** What an account may have: the limits and the budget of a tenant, or of one of its keys. */
import { microdollarsOf } from './money.ts'

export interface Budget {
  readonly period: 'day' | 'month' | 'total'
  readonly microdollars?: number
  readonly tokens?: number
}

export interface Terms {
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  readonly concurrent?: number
  readonly budget?: Budget
}

/** As mesh.toml has them, for a tenant or for a key. */
export interface ConfiguredTerms {
  readonly limits?:
    | {
        readonly rpm?: number | undefined
        readonly tpm?: number | undefined
        readonly concurrent?: number | undefined
      }
    | undefined
  readonly budget?:
    | {
        readonly period: Budget['period']
        readonly dollars?: number | undefined
        readonly tokens?: number | undefined
      }
    | undefined
}

/** Undefined where nothing is limited: then nobody has to be asked. */
export function termsOf({ limits, budget }: ConfiguredTerms): Terms | undefined {
  const { rpm, tpm, concurrent } = limits ?? {}
  const terms: Terms = {
    ...(rpm === undefined ? {} : { requestsPerMinute: rpm }),
    ...(tpm === undefined ? {} : { tokensPerMinute: tpm }),
    ...(concurrent === undefined ? {} : { concurrent }),
    ...(budget === undefined ? {} : { budget: budgetOf(budget) }),
  }
  return Object.keys(terms).length === 0 ? undefined : terms
}

function budgetOf({ period, dollars, tokens }: NonNullable<ConfiguredTerms['budget']>): Budget {
  return {
    period,
    ...(dollars === undefined ? {} : { microdollars: microdollarsOf(dollars) }),
    ...(tokens === undefined ? {} : { tokens }),
  }
}
