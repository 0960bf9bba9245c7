/** A span goes nowhere that its request could not have gone; what is not known is read strictly. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import '../../support/property-seed.ts'
import { place } from '../../../shared/residency/place.ts'
import type { Exporter } from '../../../shared/schema/config-telemetry.ts'
import type { Tenant } from '../../../shared/schema/mesh.ts'
import { mayExport } from '../../../shared/telemetry/may-export.ts'
import { aMesh } from '../residency/a-mesh.ts'

const CONFIG = aMesh({
  tenants: [
    { id: 'free', floor: { anywhere: true } },
    { id: 'bank', floor: { jurisdictions: ['eu'] } },
    { id: 'ocean', floor: { jurisdictions: ['eu', 'us'] } },
  ],
})
const UNBOUND = aMesh({ tenants: [{ id: 'free', floor: { anywhere: true } }] })
const JURISDICTIONS = ['eu', 'us', 'sg']

function exporterIn(...jurisdictions: string[]): Exporter {
  return {
    id: 'x',
    jurisdictions,
    url: 'https://otlp.example.com/v1/traces',
    auth_header: 'authorization',
    share: 1,
  }
}

function tenantOf(id: string): Tenant {
  const tenant = CONFIG.tenants.find((one) => one.id === id)
  if (tenant === undefined) throw new Error('no such tenant')
  return tenant
}

function placed(id: string, narrow?: readonly string[]) {
  const [model] = CONFIG.models
  if (model === undefined) throw new Error('no model')
  const arrival = { host: 'edge.test', colo: 'FRA' }
  const placement = place({ config: CONFIG, tenant: tenantOf(id), model, arrival, ...(narrow && { narrow }) })
  if (!placement.ok) throw new Error('placed nowhere')
  return { tenant: tenantOf(id), placement: placement.value, isNarrowed: narrow !== undefined }
}

function takers(
  request: Omit<Parameters<typeof mayExport>[0], 'arrival'>,
  colo: string | undefined,
  config = CONFIG,
) {
  const arrival = { host: 'edge.test', ...(colo === undefined ? {} : { colo }) }
  const sets = [['eu'], ['us'], ['sg'], ['eu', 'us'], ['eu', 'us', 'sg']]
  return sets.filter((set) => mayExport({ ...request, arrival }, exporterIn(...set), config)).map(String)
}

test.each<[string, Parameters<typeof takers>, string[]]>([
  ['may go anywhere: where it arrived', [placed('free'), 'FRA'], ['eu', 'eu,us', 'eu,us,sg']],
  ['is bound and arrived there', [placed('bank'), 'AMS'], ['eu', 'eu,us', 'eu,us,sg']],
  ['is bound and arrived elsewhere', [placed('bank'), 'IAD'], ['eu,us', 'eu,us,sg']],
  ['is bound to two', [placed('ocean'), 'FRA'], ['eu,us', 'eu,us,sg']],
  ['is narrowed by its client', [placed('ocean', ['eu']), 'FRA'], ['eu', 'eu,us', 'eu,us,sg']],
  ['is narrowed, of who may go anywhere', [placed('free', ['us']), 'FRA'], ['eu,us', 'eu,us,sg']],
  ['arrived nobody knows where', [placed('free'), undefined], []],
  ['arrived at a data centre that is not listed', [placed('free'), 'CDG'], []],
  [
    'was not placed, of a bound tenant',
    [{ tenant: tenantOf('bank'), isNarrowed: false }, 'FRA'],
    ['eu', 'eu,us', 'eu,us,sg'],
  ],
  [
    'was not placed, of a tenant bound to two',
    [{ tenant: tenantOf('ocean'), isNarrowed: false }, 'FRA'],
    ['eu,us', 'eu,us,sg'],
  ],
  [
    'was not placed, of a free tenant',
    [{ tenant: tenantOf('free'), isNarrowed: false }, 'FRA'],
    ['eu', 'eu,us', 'eu,us,sg'],
  ],
  [
    'was not placed, of a free tenant whose client asked for places',
    [{ tenant: tenantOf('free'), isNarrowed: true }, 'FRA'],
    ['eu,us,sg'],
  ],
  ['is nobody’s, where some are bound', [{ isNarrowed: false }, 'FRA'], ['eu,us,sg']],
  [
    'is nobody’s, where nobody is bound',
    [{ isNarrowed: false }, 'FRA', UNBOUND],
    ['eu', 'eu,us', 'eu,us,sg'],
  ],
])('a request that %s', (_, [request, colo, config], expected) => {
  expect(takers(request, colo, config)).toEqual(expected)
})

test('whatever has a span may itself be where the request arrived and wherever a bound one may go', () => {
  const set = fc.subarray(JURISDICTIONS, { minLength: 1 })
  const narrow = fc.option(fc.subarray(['eu', 'us'], { minLength: 1 }), { nil: undefined })
  const colo = fc.constantFrom('FRA', 'IAD', 'SIN', 'CDG')
  const places: Readonly<Record<string, string>> = { FRA: 'eu', IAD: 'us', SIN: 'sg' }
  fc.assert(
    fc.property(fc.constantFrom('free', 'ocean'), set, narrow, colo, (id, jurisdictions, words, at) => {
      const request = placed(id, words)
      const arrival = { host: 'edge.test', colo: at }
      if (!mayExport({ ...request, arrival }, exporterIn(...jurisdictions), CONFIG)) return
      expect(jurisdictions).toContain(places[at])
      const { restricted, jurisdictions: reach } = request.placement
      if (restricted) expect(jurisdictions).toEqual(expect.arrayContaining([...reach]))
    }),
  )
})
