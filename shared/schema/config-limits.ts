/** How much a tenant, or one of its keys, may use: the tables `limits` and `budget` of mesh.toml. */
import { z } from 'zod'
import { number, oneOf, whole } from './config-values.ts'

/** Tokens and micro-dollars are counted exactly up to 2^53; this is well below. */
const MAX_DOLLARS = 1_000_000_000
const MAX_TOKENS = 1_000_000_000_000

export const limitsSchema = z
  .strictObject(
    {
      rpm: whole(0, 100_000_000).optional().describe('Requests in a minute; 0 allows none.'),
      tpm: whole(0, MAX_TOKENS)
        .optional()
        .describe('Tokens in a minute, of prompts and answers together; 0 allows none.'),
      concurrent: whole(0, 1_000_000).optional().describe('Requests at once; 0 allows none.'),
    },
    'a table with rpm, tpm or concurrent',
  )
  .optional()

export const budgetSchema = z
  .strictObject(
    {
      period: oneOf(['day', 'month', 'total']).describe(
        'What the budget is for: a day or a month (UTC), or all time.',
      ),
      dollars: number(0, MAX_DOLLARS)
        .optional()
        .describe('US dollars, by the prices of the pools, with six decimals at most; 0 allows nothing.'),
      tokens: whole(0, MAX_TOKENS)
        .optional()
        .describe('Tokens, of prompts and answers together; 0 allows nothing.'),
    },
    'a table such as { period = "month", dollars = 100 }',
  )
  .optional()
