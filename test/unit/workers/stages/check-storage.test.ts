/** A client that asks by name for what has to be stored gets it, or is told that it cannot. */
import { expect, test } from 'vitest'
import type { MeshMode } from '../../../../shared/config/mode.ts'
import { homeOf } from '../../../../shared/residency/home.ts'
import { checkStorage } from '../../../../workers/stages/check-storage.ts'
import { must } from '../a-dispatch.ts'
import { setUp, type About } from '../an-admitted.ts'

const CLOUDFLARE: MeshMode = { kind: 'cloudflare' }
const WANTS = { isResumable: true }
const CLAIMS = { idempotencyKey: 'order 1' }
const NOTHING_STORED = {
  config: { tenants: [{ id: 'demo', floor: { anywhere: true }, storage: 'none' }] },
}
const SINGAPORE = { config: { tenants: [{ id: 'demo', floor: { jurisdictions: ['sg'] } }] } }

test.each<[string, About, MeshMode, string]>([
  ['resumable, anywhere', WANTS, CLOUDFLARE, 'allowed'],
  ['claimed, anywhere', CLAIMS, CLOUDFLARE, 'allowed'],
  ['resumable, in the EU, which is enforced', { ...WANTS, tenant: 'eu-bank' }, CLOUDFLARE, 'allowed'],
  ['resumable, in Singapore, which is not', { ...SINGAPORE, ...WANTS }, CLOUDFLARE, 'storage_not_available'],
  ['claimed, in Singapore', { ...SINGAPORE, ...CLAIMS }, CLOUDFLARE, 'storage_not_available'],
  ['neither, in Singapore', SINGAPORE, CLOUDFLARE, 'allowed'],
  [
    'resumable, in Singapore, on machines that stand there',
    { ...SINGAPORE, ...WANTS },
    { kind: 'single', jurisdiction: 'sg' },
    'allowed',
  ],
  [
    'resumable, in Singapore, on machines in the EU',
    { ...SINGAPORE, ...WANTS },
    { kind: 'single', jurisdiction: 'eu' },
    'storage_not_available',
  ],
  ['narrowed to Singapore', { ...WANTS, narrow: ['sg'] }, CLOUDFLARE, 'storage_not_available'],
  ['resumable, stored nowhere', { ...NOTHING_STORED, ...WANTS }, CLOUDFLARE, 'storage_not_available'],
  ['claimed, stored nowhere', { ...NOTHING_STORED, ...CLAIMS }, CLOUDFLARE, 'storage_not_available'],
  ['neither, stored nowhere', NOTHING_STORED, CLOUDFLARE, 'allowed'],
])('%s', (_name, about, mode, expected) => {
  const { context, edge } = setUp(about)
  const region = must(edge.mesh.config.regions.find(({ id }) => id === 'eu-central'))
  const { home: _home, ...placed } = context
  const home = homeOf(placed.placement, region, mode)
  const checked = checkStorage({ ...placed, ...(home === undefined ? {} : { home }) })
  expect(checked.ok ? 'allowed' : checked.error.reason).toBe(expected)
})
