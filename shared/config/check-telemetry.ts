/** Checks who gets traces: names, jurisdictions that the mesh has, and an address that is right for the mode. */
import type { Exporter } from '../schema/config-telemetry.ts'
import type { Draft } from './draft.ts'
import type { MeshMode } from './mode.ts'
import { checkPoolUrl } from './pool-url.ts'
import { knownNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

/** What a post has of its own: a key in one of these would break it, or not arrive. */
const TAKEN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
])

export function checkTelemetry({ config }: Draft, mode: MeshMode): ConfigProblem[] {
  if (config === undefined) return []
  const jurisdictions = [...new Set(config.regions.map((region) => region.jurisdiction))]
  const seen = new Map<string, string>()
  return config.telemetry.exporters.flatMap((exporter, index) => {
    const path = `telemetry.exporters[${index}] (${quote(exporter.id)})`
    const earlier = seen.get(exporter.id)
    if (earlier === undefined) seen.set(exporter.id, path)
    const problems = checkExporter(exporter, path, { jurisdictions, mode })
    if (earlier === undefined) return problems
    const found = `${quote(exporter.id)} is already in ${earlier}`
    return [{ path: `${path}.id`, found, expected: 'give each its own' }, ...problems]
  })
}

function checkExporter(
  { jurisdictions, url, auth_header: header }: Exporter,
  path: string,
  known: { readonly jurisdictions: readonly string[]; readonly mode: MeshMode },
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const [at, name] of jurisdictions.entries()) {
    if (known.jurisdictions.includes(name)) continue
    problems.push({
      path: `${path}.jurisdictions[${at}]`,
      found: `no region is in ${quote(name)}`,
      expected: knownNames('jurisdictions', known.jurisdictions, name),
    })
  }
  // The rules for hosts are those of pools.
  const fault = checkPoolUrl(url, known.mode)
  if (fault !== undefined) problems.push({ path: `${path}.url`, ...fault })
  if (TAKEN_HEADERS.has(header)) {
    const found = `${quote(header)} is a header that every post has already`
    problems.push({ path: `${path}.auth_header`, found, expected: 'name another, such as "x-api-key"' })
  }
  return problems
}
