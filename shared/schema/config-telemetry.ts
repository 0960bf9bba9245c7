/** Who gets traces, and of what: the table [telemetry] of mesh.toml. */
import { z } from 'zod'
import { id, jurisdiction, many, number, some, text } from './config-values.ts'

const exporter = z.strictObject({
  id: id.describe('Name of the exporter, in metrics and logs.'),
  jurisdictions: some(jurisdiction, 'jurisdictions such as "eu"').describe(
    'Only of requests that stay within these is anything sent there.',
  ),
  url: z
    .string('a URL, e.g. "https://otlp.example.com/v1/traces"')
    .max(2048, 'at most 2048 characters')
    .describe(
      'Where spans are posted as OTLP/HTTP with JSON, the whole URL, e.g. "https://otlp.example.com/v1/traces".',
    ),
  auth: text(/^secret:TELEMETRY_[A-Z0-9_]{1,64}$/, '"secret:TELEMETRY_" and the rest of the name of a secret')
    .optional()
    .describe('"secret:TELEMETRY_…": which secret is sent along as the key.'),
  auth_header: text(/^[a-z][a-z0-9-]{0,63}$/, 'the name of a header in lower case, e.g. "x-api-key"')
    .default('authorization')
    .describe('Header that carries the key: as "Bearer …" in authorization, by itself in any other.'),
  share: number(0, 1)
    .default(0.01)
    .describe(
      'Share of the requests that are sent; those that failed through no fault of the client all are.',
    ),
})

export const telemetrySchema = z.strictObject(
  {
    exporters: many(exporter, 'exporters, [[telemetry.exporters]]')
      .default([])
      .describe('Where traces are sent.'),
  },
  'a table with exporters',
)

export type Exporter = Readonly<z.output<typeof exporter>>
