/** Where models run: the tables [[regions]], [[pools]] and [[models]] of mesh.toml. */
import { z } from 'zod'
import {
  bool,
  cacheMode,
  coalesce,
  colo,
  id,
  jurisdiction,
  many,
  modelName,
  number,
  oneOf,
  some,
  text,
  ttlSeconds,
  whole,
} from './config-values.ts'

export const DIALECTS = [
  'vllm',
  'sglang',
  'llamacpp',
  'tgi',
  'ollama',
  'trtllm',
  'openai',
  'azure',
  'anthropic',
] as const
export const LOCATION_HINTS = [
  'wnam',
  'enam',
  'sam',
  'weur',
  'eeur',
  'apac',
  'apac-ne',
  'apac-se',
  'oc',
  'afr',
  'me',
] as const

const price = number(0, 1_000_000).default(0)

export const regionSchema = z.strictObject({
  id: id.describe('The name other tables refer to.'),
  jurisdiction: jurisdiction.describe(
    'Whose rules hold there. Cloudflare enforces storage in eu, us, fedramp and fedramp-high.',
  ),
  latitude: number(-90, 90).describe('Degrees north.'),
  longitude: number(-180, 180).describe('Degrees east.'),
  location_hint: oneOf(LOCATION_HINTS)
    .optional()
    .describe('Where Cloudflare should place the objects of the region.'),
  colos: many(colo, 'data centre codes')
    .default([])
    .describe('Data centres that belong to the region; any other joins the nearest region by distance.'),
})

const servedModel = z.strictObject(
  {
    model: modelName.describe('Id of a model.'),
    version: id.optional().describe('Only this version of the model; without it, every version.'),
    served: text(/^[\x21-\x7e]{1,256}$/, 'at most 256 printable characters without spaces')
      .optional()
      .describe('The name under which the pool knows it; without it, the id of the model.'),
  },
  'a table such as { model = "story" }',
)

export const poolSchema = z.strictObject({
  id: id.describe('The name of the pool, in responses and logs too.'),
  region: id.describe('Id of the region the pool is in.'),
  jurisdiction: jurisdiction
    .optional()
    .describe('May repeat that of the region, for a reader; a contradiction is a mistake.'),
  dialect: oneOf(DIALECTS).describe('The wire format the pool speaks.'),
  url: z
    .string('a URL, e.g. "https://gpu.example.com/v1"')
    .max(2048, 'at most 2048 characters')
    .optional()
    .describe(
      'Base URL up to and including the version segment, e.g. "https://gpu.example.com/v1"; of an azure pool that of the resource, without one.',
    ),
  binding: text(/^[A-Z][A-Z0-9_]{0,63}$/, 'the upper-case name of a binding, e.g. "ONPREM"')
    .optional()
    .describe(
      'Name of a binding to go through to a private pool. In place of a URL where it leads to one service; beside it where the URL says which.',
    ),
  auth: text(/^secret:POOL_[A-Z0-9_]{1,64}$/, '"secret:POOL_" and the rest of the name of a secret')
    .optional()
    .describe('"secret:POOL_…": which secret is sent to the pool as its key.'),
  models: some(servedModel, 'the models it serves, e.g. [{ model = "story" }]').describe('What it serves.'),
  capacity: whole(1, 100_000)
    .default(32)
    .describe('Requests the pool runs at once before they begin to wait.'),
  price: z
    .strictObject(
      {
        prompt: price.describe('For prompt tokens that were not cached.'),
        cached_prompt: price.describe('For prompt tokens the pool had cached.'),
        completion: price.describe('For generated tokens.'),
      },
      'a table with prompt, cached_prompt and completion',
    )
    .prefault({})
    .describe('USD per million tokens.'),
  shared_prefix: bool()
    .default(false)
    .describe('Accepts that tenants share the prefix cache of a pool whose dialect cannot keep them apart.'),
  sovereign: bool()
    .default(false)
    .describe('Stands on your own premises; tenants and rules with `sovereign` ask for such pools.'),
  // What few dialects ask for stands last, so that mistakes are answered with the keys that all have.
  auth_header: text(/^[a-z][a-z0-9-]{0,63}$/, 'the name of a header in lower case, e.g. "x-api-key"')
    .optional()
    .describe(
      'Header that carries the key: as "Bearer …" in authorization, by itself in any other. Without it, api-key for azure, x-api-key for anthropic, else authorization.',
    ),
  api_version: text(/^\d{4}-\d{2}-\d{2}(?:-preview)?$/, 'a version such as "2024-10-21"')
    .optional()
    .describe('Version of the API that an azure pool is asked for; it has to have one.'),
  default_max_tokens: whole(1, 10_000_000)
    .optional()
    .describe(
      'Limit on generated tokens sent to an anthropic pool where the client gives none, because it demands one; 4096 without it.',
    ),
  max_running_tokens: whole(1, 1_000_000_000)
    .optional()
    .describe(
      'Tokens of requests that the pool may run at once, prompts and outputs together, where its power is capped; without it, no bound.',
    ),
})

const modelVersion = z.strictObject(
  {
    id: id.describe('Name of the version.'),
    weight: number(0, 1_000_000)
      .default(1)
      .describe('Share of the requests, relative to the other versions.'),
  },
  'a table such as { id = "1", weight = 1 }',
)

export const modelSchema = z.strictObject({
  id: modelName.describe('What clients send as `model`.'),
  versions: some(modelVersion, 'versions, e.g. [{ id = "1" }]')
    .default([{ id: '1', weight: 1 }])
    .describe('Versions that share the requests by weight.'),
  context_length: whole(1, 100_000_000).describe('Tokens, prompt and output together.'),
  cache: z
    .strictObject(
      {
        mode: cacheMode
          .default('deterministic')
          .describe('Which answers are kept: those a repetition would give again, every one, or none.'),
        ttl_seconds: ttlSeconds.default(3600).describe('How long an answer is kept.'),
        coalesce: coalesce
          .default('region')
          .describe('Identical requests in flight cost one generation per region, or one in the world.'),
      },
      'a table with mode, ttl_seconds or coalesce',
    )
    .prefault({})
    .describe('What is cached.'),
  extra_fields: many(text(/^[a-z][a-z0-9_]{0,63}$/, 'the name of a body field, e.g. "top_k"'), 'field names')
    .default([])
    .describe('Body fields beyond those of the dialect that clients may send. Some can never be opened.'),
  created: whole(0, 253_402_300_799).default(0).describe('Unix seconds shown in /v1/models.'),
})
