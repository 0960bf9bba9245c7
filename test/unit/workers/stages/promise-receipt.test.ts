/** A receipt is promised where it can be given, and refused before a pool is asked where it cannot. */
import { describe, expect, test } from 'vitest'
import type { MeshMode } from '../../../../shared/config/mode.ts'
import type { Signer } from '../../../../workers/receipts/signer.ts'
import { promiseReceipt } from '../../../../workers/stages/promise-receipt.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import type { Arrived } from '../../../../workers/contexts.ts'
import type { Edge } from '../../../../workers/edge.ts'
import { must } from '../must.ts'

const CONFIG = aMeshConfig({
  'eu-central': 'https://a.test',
  'us-east': 'https://b.test',
  'ap-southeast': 'https://c.test',
})
// It is only handed on here.
const SIGNER = {} as Signer

interface About {
  readonly tenant?: object
  readonly wantsReceipt?: boolean
  readonly isStream?: boolean
  readonly signer?: Signer | undefined
  readonly mode?: MeshMode
}

function promised(about: About) {
  const tenant = { ...must(CONFIG.tenants[1]), ...about.tenant }
  // Of a context and an edge, a promise needs what is here.
  const context = { tenant, narrowing: { wantsReceipt: about.wantsReceipt ?? true } } as unknown as Arrived
  const edge = {
    signer: 'signer' in about ? about.signer : SIGNER,
    mesh: { config: CONFIG, mode: about.mode ?? { kind: 'cloudflare' } },
  } as unknown as Edge
  return promiseReceipt(context, about.isStream ?? false, edge)
}

test('none is promised that nobody wants', () => {
  expect(promised({ wantsReceipt: false })).toEqual({ ok: true, value: {} })
  expect(promised({ wantsReceipt: false, signer: undefined })).toEqual({ ok: true, value: {} })
})

test('a tenant that always gets one need not ask', () => {
  expect(promised({ wantsReceipt: false, tenant: { receipts: 'always' } })).toEqual({
    ok: true,
    value: { receipt: { signer: SIGNER } },
  })
})

test('without a key to sign with there is none', () => {
  const error = { reason: 'receipt_not_available', because: 'no_key' }
  expect(promised({ signer: undefined })).toEqual({ ok: false, error })
})

describe('that of a stream is kept in the home of the tenant', () => {
  test('whose jurisdiction is enforced', () => {
    expect(promised({ isStream: true })).toMatchObject({
      ok: true,
      value: { receipt: { keptIn: { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: true } } },
    })
  })

  test('or is refused, where none can be', () => {
    const tenant = { floor: { jurisdictions: ['sg'] } }
    expect(promised({ isStream: true, tenant })).toEqual({
      ok: false,
      error: { reason: 'storage_not_available' },
    })
    expect(promised({ isStream: false, tenant })).toMatchObject({ ok: true, value: { receipt: {} } })
  })
})
