/** Where the config comes from: the table [config] of mesh.toml. What it says counts as it was deployed, and nowhere else. */
import { z } from 'zod'
import { bool, jurisdiction, many, oneOf, some, text } from './config-values.ts'

const FORM = 'a table such as { host = "gpu.example.com", secrets = ["POOL_EU"], jurisdictions = ["eu"] }'

export const endpointSchema = z
  .strictObject(
    {
      host: text(/^[a-z0-9.:[\]-]{1,260}$/, 'a host, with its port if that is not 443')
        .optional()
        .describe('Host of the URLs of pools, with the port if that is not 443.'),
      binding: text(/^[A-Z][A-Z0-9_]{0,63}$/, 'the upper-case name of a binding, e.g. "ONPREM"')
        .optional()
        .describe('Name of a fetcher binding, in place of a host.'),
      secrets: many(
        text(/^POOL_[A-Z0-9_]{1,64}$/, '"POOL_" and the rest of the name of a secret'),
        'names of secrets',
      )
        .default([])
        .describe('Secrets that may be sent there.'),
      jurisdictions: some(jurisdiction, 'jurisdictions').describe(
        'Jurisdictions it may be said to stand in.',
      ),
      sovereign: bool().default(false).describe('Whether it may be said to stand on your own premises.'),
    },
    FORM,
  )
  .refine(({ host, binding }) => (host === undefined) !== (binding === undefined), {
    error: 'either host or binding',
    path: ['host'],
  })

export const configSourceSchema = z
  .strictObject(
    {
      source: oneOf(['file', 'store'])
        .default('file')
        .describe('Who writes the config: the deploy (`file`), or the admin API (`store`).'),
      endpoints: many(endpointSchema, 'endpoints, [[config.endpoints]]')
        .default([])
        .describe('What pools of a stored config may lead to, besides what the pools of this file lead to.'),
    },
    'a table with source and endpoints',
  )
  .prefault({})
