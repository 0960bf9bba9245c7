/** Who may use what, and where: the tables [[tenants]] and [[rules]] of mesh.toml. */
import { z } from 'zod'
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
} from './config-values.ts'

export const FLOOR_FORMS = '{ anywhere = true }, or lists such as { jurisdictions = ["eu"] }'
export const CONTINENTS = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

const selectorLists = {
  jurisdictions: some(jurisdiction, 'jurisdictions').optional().describe('Pools in these jurisdictions.'),
  regions: some(id, 'region ids').optional().describe('Pools in these regions.'),
  pools: some(id, 'pool ids').optional().describe('These pools.'),
}
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
        hosts: some(
          text(/^[a-z0-9.-]{1,253}(?::[0-9]{1,5})?$/, 'a lower-case host name, e.g. "eu.example.com"'),
          'host names',
        )
          .optional()
          .describe('Requests to these host names.'),
      },
      'a table with jurisdictions, colos or hosts',
    )
    .optional()
    .describe('Where requests may be decrypted; without it, anywhere.'),
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
        continents: some(oneOf(CONTINENTS), 'continent codes').optional().describe('Clients on these.'),
        colos: some(colo, 'data centre codes').optional().describe('Requests that arrive in these.'),
      },
      'a table such as { countries = ["DE"] }',
    )
    .prefault({})
    .describe('Which requests: those that satisfy every list given. What is not known counts as matching.'),
  only: selectorSchema.optional().describe('Leaves these pools only.'),
  except: selectorSchema.optional().describe('Takes these pools away.'),
})
