/** Says in words what the mesh explains of a request: where it may go, and which pool it would go to. */
import { z } from 'zod'
import { cell, pairs, table } from './table.ts'

const placement = z.looseObject({
  refused: z.string().nullable(),
  pools: z.array(
    z.looseObject({
      id: z.string(),
      region: z.string(),
      jurisdiction: z.string(),
      allowed: z.boolean(),
      out: z.array(z.unknown()),
    }),
  ),
  rules: z.array(z.looseObject({ id: z.string(), matched: z.boolean() })),
  edge_region: z.string(),
  restricted: z.boolean(),
  storage: z.string(),
  home: z.looseObject({ region: z.string(), jurisdiction: z.string(), enforced: z.boolean() }).nullable(),
  no_home: z.string().optional(),
  retention_seconds: z.number().nullish(),
  data_class: z.string().nullish(),
})

const number = z.number().nullish()
const route = z.looseObject({
  origin: z.string(),
  picked: z.string().nullable(),
  reason: z.string().optional(),
  restricted: z.boolean(),
  rules: z.array(z.string()),
  model_version: z.string(),
  snapshot_age_ms: number,
  retry_after_ms: number,
  candidates: z.array(
    z.looseObject({
      pool: z.string(),
      region: z.string(),
      estimate_ms: number,
      score_ms: number,
      measured: z.boolean().optional(),
      warm_tokens: number,
      load: number,
    }),
  ),
  rejected: z.array(z.looseObject({ pool: z.string(), reason: z.string() })),
})

/** What is not understood is shown as it came. */
export function tellPlacement(answer: unknown): string[] {
  const read = placement.safeParse(answer)
  if (!read.success) return JSON.stringify(answer, null, 2).split('\n')
  const { refused, pools, rules, home, no_home: noHome, restricted } = read.data
  const matched = rules.filter((rule) => rule.matched).map(({ id }) => id)
  return [
    refused === null ? 'It would be served.' : `It would be refused: ${refused}.`,
    '',
    ...table(
      ['pool', 'region', 'jurisdiction', 'allowed', 'because of'],
      pools.map((pool) => [
        pool.id,
        pool.region,
        pool.jurisdiction,
        pool.allowed ? 'yes' : 'no',
        pool.out.map(objection).join(', '),
      ]),
    ),
    '',
    ...pairs({
      'arrives in': read.data.edge_region,
      restricted: restricted ? 'yes' : 'no',
      rules: matched.length === 0 ? 'none' : matched.join(', '),
      'data class': read.data.data_class ?? undefined,
      storage: read.data.storage,
      home:
        home === null
          ? `none (${noHome ?? 'not known'})`
          : `${home.region} (${home.jurisdiction}${home.enforced ? ', enforced' : ''})`,
      'kept for at most':
        read.data.retention_seconds === null || read.data.retention_seconds === undefined
          ? undefined
          : `${read.data.retention_seconds} s`,
    }),
  ]
}

/** `{ by: "rule", rule: "x" }` reads as `rule x`, whatever its members are called. */
function objection(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.values(value)
    .filter((part) => typeof part === 'string')
    .join(' ')
}

export function tellRoute(answer: unknown): string[] {
  const read = route.safeParse(answer)
  if (!read.success) return JSON.stringify(answer, null, 2).split('\n')
  const {
    picked,
    reason,
    candidates,
    rejected,
    rules,
    snapshot_age_ms: age,
    retry_after_ms: retry,
  } = read.data
  return [
    picked === null ? 'No pool can take it now.' : `It would go to ${picked} (${reason ?? 'best'}).`,
    '',
    ...table(
      ['pool', 'region', 'first token ms', 'score ms', 'warm tokens', 'load', ''],
      candidates.map((one) => [
        one.pool,
        one.region,
        rounded(one.estimate_ms),
        rounded(one.score_ms),
        rounded(one.warm_tokens),
        cell(one.load),
        one.measured === true ? 'measured' : 'guessed',
      ]),
    ),
    ...rejected.map(({ pool, reason: why }) => `${pool}: cannot take it now (${why})`),
    '',
    ...pairs({
      'called from': read.data.origin,
      'model version': read.data.model_version,
      restricted: read.data.restricted ? 'yes' : 'no',
      rules: rules.length === 0 ? 'none' : rules.join(', '),
      'snapshot age': age === null || age === undefined ? 'none' : `${Math.round(age)} ms`,
      'retry after': retry === null || retry === undefined ? undefined : `${Math.round(retry)} ms`,
    }),
  ]
}

function rounded(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(Math.round(value))
}
