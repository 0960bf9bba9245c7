/**
 * The shape of mesh.toml: one strict schema, from which the types, the error lines and mesh.schema.json come. What
 * no single field can show (references, contradictions) is in shared/config/check.ts. Names are as in the file
 * (snake_case), here and wherever a config value is read.
 */
import { z } from 'zod'
import { modelSchema, poolSchema, regionSchema } from './config-pools.ts'
import type { DIALECTS } from './config-pools.ts'
import { oidcSchema } from './config-oidc.ts'
import { ruleSchema, tenantSchema } from './config-tenants.ts'
import type { selectorSchema } from './config-tenants.ts'
import { telemetrySchema } from './config-telemetry.ts'
import { many, number, some, text, ttlSeconds, whole } from './config-values.ts'
import { distrustSchema } from './config-distrust.ts'
import { configSourceSchema } from './config-source.ts'
import type { endpointSchema } from './config-source.ts'

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
      .describe('Bytes the log of one generation may hold; a longer answer is relayed and not kept.'),
    max_inputs: whole(1, 2048).default(2048).describe('Inputs of one embeddings request.'),
    commit_after_ms: whole(1, 600_000)
      .default(5000)
      .describe('Wait for a first token before a stream begins without it, kept alive by comments.'),
    keep_alive_ms: whole(100, 600_000)
      .default(15_000)
      .describe('Silence in a stream before a comment keeps its connection alive.'),
    max_detached_runs: whole(0, 10_000)
      .default(8)
      .describe('Resumable runs of one key that go on without their client.'),
    detached_ms: whole(1, 3_600_000).default(300_000).describe('How long a run goes on without its client.'),
    detached_tokens: whole(1, 10_000_000)
      .default(16_384)
      .describe('Tokens a run may generate without its client.'),
    quarantine_ms: whole(1, 3_600_000)
      .default(300_000)
      .describe('How long a request under which two pools died is refused.'),
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
    oidc: many(oidcSchema, 'issuers, [[oidc]]').default([]).describe('Issuers whose tokens are believed.'),
    rules: many(ruleSchema, 'rules, [[rules]]')
      .default([])
      .describe('What takes pools away from some requests.'),
    distrust: many(distrustSchema, 'entries, [[distrust]]')
      .default([])
      .describe('Answers that are not to be replayed any more.'),
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
          max_shard_bytes: whole(MEBIBYTE, 96 * MEBIBYTE)
            .default(48 * MEBIBYTE)
            .describe(
              'Bytes of logs being made that one shard (of 128 MB) holds; beyond, edges do without it.',
            ),
          max_followers: whole(1, 10_000)
            .default(256)
            .describe('Readers of a log being made that get each token at once; later ones get batches.'),
          promotions_per_hour: whole(0, 1_000_000)
            .default(1000)
            .describe('Answers of one tenant that one shard copies to KV in an hour.'),
          resumable_ttl_seconds: ttlSeconds
            .default(600)
            .describe('How long a resumable answer that nobody shares is kept.'),
          idempotency_ttl_seconds: ttlSeconds
            .default(86_400)
            .describe('How long an Idempotency-Key is remembered.'),
        },
        'a table for the generation log',
      )
      .prefault({})
      .describe('The generation log.'),
    routing: z
      .strictObject(
        {
          ms_per_cent: number(0, 1_000_000)
            .default(0)
            .describe(
              'Milliseconds of time to first token that one US cent is worth; 0 leaves prices out of the choice of a pool.',
            ),
          retry_share: number(0, 1)
            .default(0.2)
            .describe(
              'Attempts beyond the first, as a share of all requests; 10 in ten seconds are always free.',
            ),
          log_share: number(0, 1)
            .default(0.01)
            .describe('Share of the decisions for a pool that are logged with everything they went by.'),
        },
        'a table for routing',
      )
      .prefault({})
      .describe('How pools are chosen.'),
    receipts: z
      .strictObject(
        {
          issuer: text(/^https:\/\/[a-z0-9.:-]{1,253}$/, 'an address such as "https://mesh.example.com"')
            .optional()
            .describe('Who signs, in every receipt; without it, the address that the request came to.'),
          keep_seconds: ttlSeconds
            .default(86_400)
            .describe('How long the receipt of a stream can be fetched.'),
        },
        'a table with issuer or keep_seconds',
      )
      .prefault({})
      .describe('Signed receipts.'),
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
    config: configSourceSchema.describe('Where the config comes from.'),
    telemetry: telemetrySchema.prefault({}).describe('Export of traces. Counts as it was deployed.'),
  })
  .meta({ title: 'mesh.toml', description: 'What a Warmpath mesh does: regions, pools, models and tenants.' })

export type MeshConfig = Readonly<z.output<typeof meshSchema>>
export type Region = Readonly<MeshConfig['regions'][number]>
export type Pool = Readonly<MeshConfig['pools'][number]>
export type Model = Readonly<MeshConfig['models'][number]>
export type Tenant = Readonly<MeshConfig['tenants'][number]>
export type Rule = Readonly<MeshConfig['rules'][number]>
export type Distrust = Readonly<MeshConfig['distrust'][number]>
export type Endpoint = Readonly<z.output<typeof endpointSchema>>
export type Limits = Readonly<MeshConfig['limits']>
export type Selector = Readonly<z.output<typeof selectorSchema>>
export type Dialect = (typeof DIALECTS)[number]
