/**
 * The shape of mesh.toml: one strict schema, from which the types, the checks' error lines and mesh.schema.json
 * come. What no single field can show (references, contradictions) is in shared/config/check.ts.
 * Names are as in the file (snake_case), here and wherever a config value is read.
 */
import { z } from 'zod'

const id = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and inner hyphens, at most 63')
/** What clients call a model; slashes and dots are common in model names. */
const modelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'letters, digits and . _ : / -')
const jurisdiction = z.string().regex(/^[a-z][a-z0-9-]{1,31}$/, 'a short lower-case name such as "eu"')
const colo = z.string().regex(/^[A-Z]{3}$/, 'a three-letter data centre code such as "FRA"')
const country = z.string().regex(/^[A-Z]{2}$/, 'a two-letter country code such as "DE"')
const positiveInt = z.int().min(1)

export const DIALECTS = ['vllm', 'llamacpp', 'openai'] as const
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

/** A set of pools: those that satisfy every list given. */
const selector = z.strictObject({
  jurisdictions: z.array(jurisdiction).min(1).optional(),
  regions: z.array(id).min(1).optional(),
  pools: z.array(id).min(1).optional(),
})

const region = z.strictObject({
  id,
  jurisdiction,
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
  /** Where Cloudflare should place the region's objects. */
  location_hint: z.enum(LOCATION_HINTS).optional(),
  /** Data centres that belong to the region; others are matched by distance. */
  colos: z.array(colo).default([]),
})

const servedModel = z.strictObject({
  model: modelName,
  /** Only this version of the model; without it, every version. */
  version: id.optional(),
  /** The name the pool knows it by; without it, the model's id. */
  served: z.string().min(1).max(256).optional(),
})

const pool = z.strictObject({
  id,
  region: id,
  /** May repeat the region's, for a reader; a contradiction is a mistake. */
  jurisdiction: jurisdiction.optional(),
  dialect: z.enum(DIALECTS),
  /** Base URL up to and including the version segment, e.g. `https://gpu.example.com/v1`. */
  url: z.string().max(2048).optional(),
  /** Name of a fetcher binding (private network) in place of a URL. */
  binding: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'an upper-case binding name')
    .optional(),
  auth: z
    .string()
    .regex(/^secret:POOL_[A-Z0-9_]+$/, '"secret:POOL_…", the name of a secret')
    .optional(),
  models: z.array(servedModel).min(1),
  /** Requests the pool runs at once before they begin to wait. */
  capacity: positiveInt.max(100_000).default(32),
  /** USD per million tokens. */
  price: z
    .strictObject({
      prompt: z.number().min(0).default(0),
      cached_prompt: z.number().min(0).default(0),
      completion: z.number().min(0).default(0),
    })
    .prefault({}),
  /** Accepts that tenants share this pool's prefix cache where its dialect cannot keep them apart. */
  shared_prefix: z.boolean().default(false),
})

const modelVersion = z.strictObject({ id, weight: z.number().min(0).default(1) })
const cacheMode = z.enum(['deterministic', 'always', 'off'])
const ttlSeconds = positiveInt.max(30 * 24 * 3600)

const model = z.strictObject({
  id: modelName,
  versions: z
    .array(modelVersion)
    .min(1)
    .default([{ id: '1', weight: 1 }]),
  /** Tokens, prompt and output together. */
  context_length: positiveInt.max(100_000_000),
  cache: z
    .strictObject({ mode: cacheMode.default('deterministic'), ttl_seconds: ttlSeconds.default(3600) })
    .prefault({}),
  /** Body fields beyond the dialects' own lists that clients may send; the built-in deny-list stays closed. */
  extra_fields: z.array(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/)).default([]),
  /** When the model was made available, as Unix seconds; shown in /v1/models. */
  created: z.int().min(0).default(0),
})

const apiKey = z.strictObject({
  id,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the whole key, 64 hex digits'),
  /** Made by a local start; refused outside dev. */
  dev: z.boolean().default(false),
})

const tenant = z.strictObject({
  id,
  /** Where this tenant's requests may be processed and stored. Mandatory: no floor is a mistake. */
  floor: z.union([z.strictObject({ anywhere: z.literal(true) }), selector]),
  /** Data centres where requests may be decrypted; without it, anywhere. */
  terminate: z
    .strictObject({
      jurisdictions: z.array(jurisdiction).min(1).optional(),
      colos: z.array(colo).min(1).optional(),
      hosts: z.array(z.string().min(1).max(253)).min(1).optional(),
    })
    .optional(),
  models: z.union([z.literal('*'), z.array(modelName).min(1)]).default('*'),
  data_classes: z.array(id).default([]),
  cache: z
    .strictObject({
      mode: cacheMode.optional(),
      ttl_seconds: ttlSeconds.optional(),
      /** Who shares answers: everyone of the tenant, one key, or one `user` value. */
      scope: z.enum(['tenant', 'key', 'user']).default('tenant'),
    })
    .prefault({}),
  keys: z.array(apiKey).default([]),
})

/** A rule can only take pools away. */
const rule = z.strictObject({
  id,
  match: z
    .strictObject({
      tenants: z.array(id).min(1).optional(),
      models: z.array(modelName).min(1).optional(),
      data_classes: z.array(id).min(1).optional(),
      countries: z.array(country).min(1).optional(),
      continents: z
        .array(z.enum(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA']))
        .min(1)
        .optional(),
      colos: z.array(colo).min(1).optional(),
    })
    .prefault({}),
  only: selector.optional(),
  except: selector.optional(),
})

const limits = z.strictObject({
  max_body_bytes: positiveInt.max(100 * 1024 * 1024).default(1024 * 1024),
  /** Bytes of bodies that one isolate holds at once. */
  body_budget_bytes: positiveInt.max(96 * 1024 * 1024).default(32 * 1024 * 1024),
  max_depth: positiveInt.max(256).default(32),
  max_messages: positiveInt.max(100_000).default(2048),
  max_output_tokens: positiveInt.max(10_000_000).default(131_072),
  max_choices: positiveInt.max(128).default(8),
  first_token_ms: positiveInt.max(600_000).default(30_000),
  idle_ms: positiveInt.max(600_000).default(30_000),
  total_ms: positiveInt.max(3_600_000).default(600_000),
  /** Pools tried for one request before its first token. */
  max_attempts: positiveInt.max(10).default(3),
  /** Bytes one generation's log may hold. */
  max_log_bytes: positiveInt.max(64 * 1024 * 1024).default(4 * 1024 * 1024),
})

export const meshSchema = z.strictObject({
  version: z.literal(1),
  regions: z.array(region).min(1),
  pools: z.array(pool).min(1),
  models: z.array(model).min(1),
  tenants: z.array(tenant).min(1),
  rules: z.array(rule).default([]),
  limits: limits.prefault({}),
  /** Objects that hold the generation logs of one home. Changing it loses cached answers, nothing else. */
  log: z.strictObject({ shards_per_home: positiveInt.max(1024).default(64) }).prefault({}),
  /** Web origins whose pages may call the mesh. */
  cors: z.strictObject({ origins: z.array(z.string().max(2048)).default([]) }).prefault({}),
})

export type MeshConfig = Readonly<z.output<typeof meshSchema>>
export type Region = Readonly<MeshConfig['regions'][number]>
export type Pool = Readonly<MeshConfig['pools'][number]>
export type Model = Readonly<MeshConfig['models'][number]>
export type Tenant = Readonly<MeshConfig['tenants'][number]>
export type Rule = Readonly<MeshConfig['rules'][number]>
export type Limits = Readonly<MeshConfig['limits']>
export type Selector = Readonly<z.output<typeof selector>>
export type Dialect = (typeof DIALECTS)[number]
export type CacheMode = z.output<typeof cacheMode>
