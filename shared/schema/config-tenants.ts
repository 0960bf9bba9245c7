/** Who may use what, and where: the tables [[tenants]] and [[rules]] of mesh.toml. */
import { z } from 'zod'
import { budgetSchema, limitsSchema } from './config-limits.ts'
import {
  bool,
  cacheMode,
  coalesce,
  colo,
  country,
  id,
  jurisdiction,
  many,
  modelName,
  oneOf,
  some,
  text,
  ttlSeconds,
  whole,
} from './config-values.ts'

export const FLOOR_FORMS = '{ anywhere = true }, or lists such as { jurisdictions = ["eu"] }'
const SOVEREIGN = ['only', 'prefer'] as const
export const AUDIT_WORDS = ['off', 'batched', 'strict'] as const
/** Ten years. */
const MAX_AUDIT_DAYS = 3650
export const CONTINENTS = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

const selectorLists = {
  jurisdictions: some(jurisdiction, 'jurisdictions').optional().describe('Pools in these jurisdictions.'),
  regions: some(id, 'region ids').optional().describe('Pools in these regions.'),
  pools: some(id, 'pool ids').optional().describe('These pools.'),
}
const hostNames = some(
  text(/^[a-z0-9.-]{1,253}(?::[0-9]{1,5})?$/, 'a lower-case host name, e.g. "eu.example.com"'),
  'host names',
)
const headerMatch = z.strictObject(
  {
    name: text(/^[a-z][a-z0-9-]{0,63}$/, 'the name of a header in lower case, e.g. "x-department"').describe(
      'Name of a request header.',
    ),
    values: some(
      text(
        /^[!-+\--~](?:[ -+\--~]{0,126}[!-+\--~])?$/,
        'a value of at most 128 printable characters without commas, e.g. "radiology"',
      ),
      'values',
    ).describe('One of these, exactly; of a header with commas, each part is a value.'),
  },
  'a table such as { name = "x-department", values = ["radiology"] }',
)
export const selectorSchema = z
  .strictObject(selectorLists, 'a table with jurisdictions, regions or pools')
  .describe('A set of pools: those that satisfy every list given.')

const apiKey = z.strictObject(
  {
    id: id.describe('Name of the key, in logs.'),
    sha256: text(/^[0-9a-f]{64}$/, 'the SHA-256 of the whole key, 64 lower-case hex digits').describe(
      'SHA-256 of the whole key. The key itself stands nowhere.',
    ),
    dev: bool().default(false).describe('Made by a local start; refused outside dev.'),
    data_classes: many(id, 'names of data classes')
      .optional()
      .describe('Which of the classes of the tenant the key may claim; without it, all.'),
    limits: limitsSchema.describe('Of this key, within those of the tenant.'),
    budget: budgetSchema.describe('Of this key, within that of the tenant.'),
  },
  'a table with id and sha256',
)

export const tenantSchema = z.strictObject({
  id: id.describe('Name of the tenant; part of its keys.'),
  floor: z
    .union(
      [
        z
          .strictObject({ anywhere: z.literal(true, 'true').describe('Every pool.') })
          .describe('No limit on the place.'),
        selectorSchema,
      ],
      FLOOR_FORMS,
    )
    .describe('Where requests may be processed and stored. Nothing in a request can widen it.'),
  terminate: z
    .strictObject(
      {
        jurisdictions: some(jurisdiction, 'jurisdictions')
          .optional()
          .describe('Data centres of regions in these jurisdictions.'),
        colos: some(colo, 'data centre codes').optional().describe('These data centres.'),
        hosts: hostNames.optional().describe('Requests to these host names.'),
      },
      'a table with jurisdictions, colos or hosts',
    )
    .optional()
    .describe('Where requests may be decrypted; without it, anywhere.'),
  sovereign: oneOf(SOVEREIGN)
    .optional()
    .describe(
      'Pools on your own premises (`sovereign = true`): `only` leaves no others, `prefer` asks them first while they can serve.',
    ),
  storage: oneOf(['none', 'home', 'anywhere'])
    .default('anywhere')
    .describe(
      'What is stored of requests: nothing; what objects of the home hold; or also copies round the world, where nothing restricts the request.',
    ),
  retention_seconds: ttlSeconds
    .optional()
    .describe('Longest time that anything of a request is stored; it shortens every other time.'),
  models: z
    .union(
      [z.literal('*').describe('Every model.'), some(modelName, 'model ids')],
      '"*", or a list of model ids',
    )
    .default('*')
    .describe('Models the tenant may use.'),
  data_classes: many(id, 'names of data classes')
    .default([])
    .describe('Classes of data that requests may claim; rules match on them.'),
  cache: z
    .strictObject(
      {
        mode: cacheMode.optional().describe('In place of the mode of the model.'),
        ttl_seconds: ttlSeconds.optional().describe('In place of the time of the model.'),
        scope: oneOf(['tenant', 'key', 'user'])
          .default('tenant')
          .describe('Who shares answers: everyone of the tenant, one key, or one `user` value.'),
        coalesce: coalesce.optional().describe('In place of that of the model.'),
        stitched: bool()
          .default(true)
          .describe('Whether answers that several pools made between them may be replayed.'),
      },
      'a table with mode, ttl_seconds, scope, coalesce or stitched',
    )
    .prefault({})
    .describe('What is cached, and for whom.'),
  continuation: oneOf(['deterministic', 'always', 'off'])
    .default('deterministic')
    .describe(
      'Which answers another pool may finish when theirs dies: those a repetition would give again, all, or none.',
    ),
  receipts: oneOf(['asked', 'always'])
    .default('asked')
    .describe('Which answers get a signed receipt: those whose request asks for one, or all.'),
  audit: oneOf(AUDIT_WORDS)
    .optional()
    .describe(
      'Audit log: none, kept behind requests, or before an answer begins; without it `batched` if the floor or `sovereign` binds, else `off`.',
    ),
  audit_retention_days: whole(1, MAX_AUDIT_DAYS)
    .default(365)
    .describe('How long entries of the audit log are kept.'),
  limits: limitsSchema.describe(
    'Requests and tokens that the tenant may use at a time; without it, any number.',
  ),
  budget: budgetSchema.describe(
    'Money and tokens that the tenant may spend in a period; without it, any amount.',
  ),
  ledger_down: oneOf(['refuse', 'last_lease'])
    .default('refuse')
    .describe(
      'While the ledger of a tenant with limits or a budget cannot be reached: refuse its requests, or let each isolate use as much as it was last granted, every five seconds.',
    ),
  keys: many(apiKey, 'keys, [[tenants.keys]]').default([]).describe('API keys.'),
})

export const ruleSchema = z.strictObject({
  id: id.describe('Name of the rule, shown where it decided.'),
  match: z
    .strictObject(
      {
        tenants: some(id, 'tenant ids').optional().describe('Requests of these tenants.'),
        models: some(modelName, 'model ids').optional().describe('Requests for these models.'),
        data_classes: some(id, 'names of data classes')
          .optional()
          .describe('Requests that claim one of these.'),
        countries: some(country, 'country codes').optional().describe('Clients in these countries.'),
        eu_member: bool()
          .optional()
          .describe('Clients in countries of the European Union, or with `false` in all others.'),
        continents: some(oneOf(CONTINENTS), 'continent codes').optional().describe('Clients on these.'),
        colos: some(colo, 'data centre codes').optional().describe('Requests that arrive in these.'),
        hosts: hostNames.optional().describe('Requests to these host names.'),
        headers: some(headerMatch, 'headers, e.g. [{ name = "x-department", values = ["radiology"] }]')
          .optional()
          .describe('Requests that say all of this in their headers.'),
      },
      'a table such as { countries = ["DE"] }',
    )
    .prefault({})
    .describe('Which requests: those that satisfy everything given. What is not known counts as matching.'),
  only: selectorSchema.optional().describe('Leaves these pools only.'),
  except: selectorSchema.optional().describe('Takes these pools away.'),
  sovereign: oneOf(SOVEREIGN)
    .optional()
    .describe('As for a tenant: `only` takes all pools away that are not on your own premises.'),
  storage: oneOf(['none', 'home']).optional().describe('As for a tenant; the strictest that applies counts.'),
})
