/**
 * The shape of mesh.toml: one strict schema, from which the types, the error lines and mesh.schema.json come. What
 * no single field can show (references, contradictions) is in shared/config/check.ts. Names are as in the file
 * (snake_case), here and wherever a config value is read.
 */
import { z } from 'zod'
import { modelSchema, poolSchema, regionSchema } from './config-pools.ts'
import type { DIALECTS } from './config-pools.ts'
import { ruleSchema, tenantSchema } from './config-tenants.ts'
import type { selectorSchema } from './config-tenants.ts'
import { many, some, text, whole } from './config-values.ts'

const MEBIBYTE = 1024 * 1024

const limits = z.strictObject(
  {
    max_body_bytes: whole(1, 100 * MEBIBYTE)
      .default(MEBIBYTE)
      .describe('Bytes of one request body.'),
    body_within_ms: whole(1, 600_000).default(30_000).describe('Time for a whole body to arrive.'),
    body_budget_bytes: whole(1, 96 * MEBIBYTE)
      .default(32 * MEBIBYTE)
      .describe('Bytes of bodies that one isolate (of 128 MB) holds at once.'),
    max_depth: whole(1, 256).default(32).describe('Levels of nesting in a body.'),
    max_messages: whole(1, 100_000).default(2048).describe('Messages in a chat.'),
    max_output_tokens: whole(1, 10_000_000).default(131_072).describe('Tokens a client may ask for.'),
    max_choices: whole(1, 128).default(8).describe('Answers a client may ask for at once (`n`).'),
    first_token_ms: whole(1, 600_000).default(30_000).describe('Time for a pool to begin its answer.'),
    idle_ms: whole(1, 600_000).default(30_000).describe('Silence allowed within an answer.'),
    total_ms: whole(1, 3_600_000).default(600_000).describe('Time for a whole answer.'),
    max_attempts: whole(1, 10).default(3).describe('Pools tried for one request before its first token.'),
    max_log_bytes: whole(1, 64 * MEBIBYTE)
      .default(4 * MEBIBYTE)
      .describe('Bytes the log of one generation may hold.'),
  },
  'a table of limits',
)

export const meshSchema = z
  .strictObject({
    version: z.literal(1, '1').describe('Version of this format.'),
    regions: some(regionSchema, 'at least one region, [[regions]]').describe('Named places.'),
    pools: some(poolSchema, 'at least one pool, [[pools]]').describe('Inference endpoints.'),
    models: some(modelSchema, 'at least one model, [[models]]').describe('The names clients use.'),
    tenants: some(tenantSchema, 'at least one tenant, [[tenants]]').describe('Who may use what, and where.'),
    rules: many(ruleSchema, 'rules, [[rules]]')
      .default([])
      .describe('What takes pools away from some requests.'),
    limits: limits.prefault({}).describe('Sizes, times and counts.'),
    log: z
      .strictObject(
        {
          shards_per_home: whole(1, 1024)
            .default(64)
            .describe('Objects that hold the logs of one home. A change loses cached answers, nothing else.'),
          open_within_ms: whole(1, 60_000)
            .default(300)
            .describe('How long an edge waits for a log before it makes the answer itself.'),
        },
        'a table with shards_per_home and open_within_ms',
      )
      .prefault({})
      .describe('The generation log.'),
    cors: z
      .strictObject(
        {
          origins: many(
            text(
              /^(?:\*|https?:\/\/[a-z0-9.:[\]-]{1,253})$/,
              '"*", or an origin such as "https://example.com"',
            ),
            'origins',
          )
            .default([])
            .describe('Web origins whose pages may call the mesh; "*" for every one.'),
        },
        'a table with origins',
      )
      .prefault({})
      .describe('Calls from web pages.'),
  })
  .meta({ title: 'mesh.toml', description: 'What a Warmpath mesh does: regions, pools, models and tenants.' })

export type MeshConfig = Readonly<z.output<typeof meshSchema>>
export type Region = Readonly<MeshConfig['regions'][number]>
export type Pool = Readonly<MeshConfig['pools'][number]>
export type Model = Readonly<MeshConfig['models'][number]>
export type Tenant = Readonly<MeshConfig['tenants'][number]>
export type Rule = Readonly<MeshConfig['rules'][number]>
export type Limits = Readonly<MeshConfig['limits']>
export type Selector = Readonly<z.output<typeof selectorSchema>>
export type Dialect = (typeof DIALECTS)[number]
