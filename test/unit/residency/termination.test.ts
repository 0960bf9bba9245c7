import { expect, test } from 'vitest'
import { checkTermination } from '../../../shared/residency/termination.ts'
import { aMesh, firstTenant } from './a-mesh.ts'

function check(terminate: object | undefined, arrival: { colo?: string; host?: string }): string {
  const config = aMesh({ tenants: [{ id: 't', floor: { anywhere: true }, terminate }] })
  const result = checkTermination(firstTenant(config), { host: 'any.example', ...arrival }, config.regions)
  if (result.ok) return 'ok'
  expect(result.error.reason).toBe('termination_not_allowed')
  return 'host' in result.error ? `refused, use ${result.error.host}` : 'refused'
}

test.each<[string, object | undefined, { colo?: string; host?: string }, string]>([
  ['no restriction', undefined, {}, 'ok'],
  ['the right jurisdiction', { jurisdictions: ['eu'] }, { colo: 'FRA' }, 'ok'],
  ['another jurisdiction', { jurisdictions: ['eu'] }, { colo: 'IAD' }, 'refused'],
  ['a data centre in no region', { jurisdictions: ['eu'] }, { colo: 'CDG' }, 'refused'],
  ['no data centre', { jurisdictions: ['eu'] }, {}, 'refused'],
  ['a listed data centre', { colos: ['CDG'] }, { colo: 'CDG' }, 'ok'],
  ['an unlisted data centre', { colos: ['CDG'] }, { colo: 'FRA' }, 'refused'],
  ['no data centre, with data centres listed', { colos: ['CDG'] }, {}, 'refused'],
  [
    'a right jurisdiction in an unlisted data centre',
    { jurisdictions: ['eu'], colos: ['AMS'] },
    { colo: 'FRA' },
    'refused',
  ],
  ['both right', { jurisdictions: ['eu'], colos: ['AMS'] }, { colo: 'AMS' }, 'ok'],
  ['the host', { hosts: ['eu.mesh.example', 'b'] }, { host: 'eu.mesh.example' }, 'ok'],
  ['the second host', { hosts: ['eu.mesh.example', 'b'] }, { host: 'b' }, 'ok'],
  ['the host in other spelling', { hosts: ['eu.mesh.example:443'] }, { host: 'eu.MESH.example.:8443' }, 'ok'],
  [
    'another host',
    { hosts: ['eu.mesh.example', 'b'] },
    { host: 'us.mesh.example' },
    'refused, use eu.mesh.example',
  ],
  [
    'a host below the right one',
    { hosts: ['eu.example'] },
    { host: 'x.eu.example' },
    'refused, use eu.example',
  ],
  ['no host', { hosts: ['eu.example'] }, { host: '' }, 'refused, use eu.example'],
  [
    'the host at a wrong place',
    { hosts: ['eu.example'], jurisdictions: ['eu'] },
    { host: 'eu.example', colo: 'IAD' },
    'refused, use eu.example',
  ],
])('%s', (_name, terminate, arrival, expected) => {
  expect(check(terminate, arrival)).toBe(expected)
})
