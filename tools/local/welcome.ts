/** What a local start prints when the mesh is ready: where it is, with what keys, and lines to try. */
import type { MeshConfig, Tenant } from '../../shared/schema/mesh.ts'
import type { DevSecrets } from './dev-secrets.ts'
import type { FoundServer } from './usual-servers.ts'

export interface WelcomeInput {
  readonly url: string
  readonly config: MeshConfig
  readonly secrets: DevSecrets
  readonly pools: readonly { id: string; jurisdiction: string; url: string }[]
  /** What the pools are; empty if they were not started here. */
  readonly engine: string
  readonly found: readonly FoundServer[]
  readonly seconds: number
  readonly stateFile: string
  readonly logFile: string
}

export function welcome(input: WelcomeInput): string {
  const { url, config, secrets, pools } = input
  const keys = config.tenants.map((tenant) => [tenant.id, secrets.apiKeys[tenant.id] ?? '', mayGo(tenant)])
  return [
    `Warmpath is ready at ${url} (${input.seconds.toFixed(1)} s)`,
    '',
    ...table(
      'Pools',
      pools.map((pool) => [pool.id, pool.jurisdiction, pool.url, input.engine]),
    ),
    ...table('Keys', keys),
    `The admin token is in ${input.stateFile}; the log, a line of JSON per request, is ${input.logFile}.`,
    '',
    ...examples(url, config, secrets),
    ...input.found.flatMap(offer),
    'Ctrl-C stops everything.',
  ].join('\n')
}

function mayGo({ floor }: Tenant): string {
  if ('anywhere' in floor) return 'may go anywhere'
  return `stays in ${[floor.jurisdictions, floor.regions, floor.pools].flatMap((list) => list ?? []).join(', ')}`
}

function table(title: string, rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  return [title, ...rows.map(line), '']
}

function examples(url: string, config: MeshConfig, secrets: DevSecrets): string[] {
  const free = config.tenants.find(({ floor }) => 'anywhere' in floor) ?? config.tenants[0]
  const bound = config.tenants.find(({ floor }) => !('anywhere' in floor))
  const model = config.models[0]?.id ?? ''
  const elsewhere = config.regions.find(({ jurisdiction }) =>
    bound !== undefined && 'jurisdictions' in bound.floor
      ? !bound.floor.jurisdictions?.includes(jurisdiction)
      : false,
  )
  const curl = (tenant: Tenant, flags: string, body: object, header = ''): string =>
    [
      `  curl ${flags} ${url}/v1/chat/completions`,
      `-H 'authorization: Bearer ${secrets.apiKeys[tenant.id]}' -H 'content-type: application/json'${header}`,
      `-d '${JSON.stringify(body)}'`,
    ].join(' ')
  const ask = (content: string) => ({ model, messages: [{ role: 'user', content }] })
  if (free === undefined) return []
  return [
    'Try: a fresh answer, streamed from the pool that answers first',
    curl(free, '-N', { ...ask('Tell me a story about the sea.'), stream: true }),
    '',
    'Try: the same question again and again; from the second time on it is cached (x-mesh-cache: hit)',
    curl(free, '-i', { ...ask('What is a mesh?'), temperature: 0 }),
    '',
    ...(bound === undefined || elsewhere === undefined
      ? []
      : [
          `Try: ${bound.id} asks to be served in ${elsewhere.jurisdiction}, where it may not (residency_violation)`,
          curl(bound, '-i', ask('Where am I?'), ` -H 'x-mesh-residency: ${elsewhere.jurisdiction}'`),
          '',
        ]),
    'Add  -H "x-mesh-dev-colo: SIN"  to arrive in Singapore, or IAD, FRA, … ; x-mesh-pool says who answered.',
    '',
  ]
}

function offer({ name, dialect, url, models }: FoundServer): string[] {
  return [
    `Found ${name} at ${url}${models.length > 0 ? ` with ${models.slice(0, 3).join(', ')}` : ''}.`,
    `To put it behind the mesh: a copy of mesh.toml with a pool  dialect = "${dialect}", url = "${url}",`,
    'then  npm start -- --config YOUR.toml',
    '',
  ]
}
