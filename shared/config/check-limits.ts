/** Finds limits that contradict each other. */
import type { Draft } from './draft.ts'
import type { ConfigProblem } from './problem.ts'

export function checkLimits({ config }: Draft): ConfigProblem[] {
  if (config === undefined) return []
  const { limits } = config
  return [
    ...above('max_body_bytes', limits.max_body_bytes, 'body_budget_bytes', limits.body_budget_bytes),
    ...above('first_token_ms', limits.first_token_ms, 'total_ms', limits.total_ms),
    ...above('idle_ms', limits.idle_ms, 'total_ms', limits.total_ms),
  ]
}

function above(key: string, value: number, boundKey: string, bound: number): ConfigProblem[] {
  if (value <= bound) return []
  return [
    {
      path: `limits.${key}`,
      found: `${value} is more than ${boundKey} (${bound})`,
      expected: `lower it, or raise ${boundKey}`,
    },
  ]
}
