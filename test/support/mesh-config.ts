/** The config that mesh tests start from: three regions, a pool in each, one tenant that may go anywhere and one that may not. */
import { createHash } from 'node:crypto'
import { parseMeshConfig } from '../../shared/config/parse.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { KEYS } from './keys.ts'

export { KEYS }

/** Parsed by the product's own schema, so that a test cannot run on what a file could not say. */
export function aMeshConfig(
  urls: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, unknown>> = {},
): MeshConfig {
  const config = {
    version: 1,
    regions: [
      { id: 'eu-central', jurisdiction: 'eu', latitude: 50.11, longitude: 8.68, colos: ['FRA', 'AMS'] },
      { id: 'us-east', jurisdiction: 'us', latitude: 39.04, longitude: -77.49, colos: ['IAD', 'EWR'] },
      { id: 'ap-southeast', jurisdiction: 'sg', latitude: 1.35, longitude: 103.82, colos: ['SIN'] },
    ],
    pools: ['eu-central', 'us-east', 'ap-southeast'].map((id) => ({
      id,
      region: id,
      dialect: 'vllm',
      url: `${urls[id]}/v1`,
      models: [{ model: 'story', served: 'story-8b' }],
    })),
    models: [{ id: 'story', context_length: 32_768 }],
    tenants: [
      { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
      {
        id: 'eu-bank',
        floor: { jurisdictions: ['eu'] },
        keys: [{ id: 'k1', sha256: sha256(KEYS['eu-bank']) }],
      },
    ],
    // A loaded machine may be slow to open a log; that must not look like a lost one.
    log: { open_within_ms: 10_000 },
    // One line per request, whatever chance says.
    routing: { log_share: 0 },
    ...changes,
  }
  const parsed = parseMeshConfig(JSON.stringify(config), { mode: { kind: 'dev' } })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  return parsed.value
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
