/** Where a node stands is its operator's word: it is asked for where it is needed, and refused where it is not. */
import { describe, expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { parseNodePlace } from '../../../shared/config/node-place.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'

const { regions } = aMeshConfig({
  'eu-central': 'http://a.test',
  'us-east': 'http://b.test',
  'ap-southeast': 'http://c.test',
})
const EU: MeshMode = { kind: 'single', jurisdiction: 'eu' }

const parse = (text: string | undefined, mode: MeshMode = EU, known = regions) =>
  parseNodePlace(text, { mode, regions: known })

describe('on one’s own machines', () => {
  test('a place has what was stated, and nothing else', () => {
    expect(parse('{"colo":"FRA"}')).toEqual({ ok: true, value: { colo: 'FRA' } })
    const whole = { colo: 'AMS', country: 'NL', continent: 'EU' }
    expect(parse(JSON.stringify(whole))).toEqual({ ok: true, value: whole })
  })

  test.each<[string | undefined, string]>([
    [undefined, 'MESH_NODE_PLACE is not set. It says where this node stands, e.g. {"colo":"FRA"}.'],
    ['FRA', 'MESH_NODE_PLACE cannot be read: a table with colo, country and continent.'],
    ['{}', 'MESH_NODE_PLACE cannot be read: colo: a three-letter data centre code, e.g. "FRA".'],
    [
      '{"colo":"FRA","continent":"Europe"}',
      'MESH_NODE_PLACE cannot be read: continent: one of AF, AN, AS, EU, NA, OC, SA.',
    ],
    [
      '{"colo":"IAD"}',
      'The node\'s data centre "IAD" is in the jurisdiction "us": list it in "colos" of a region whose jurisdiction is "eu".',
    ],
    [
      '{"colo":"ZRH"}',
      'The node\'s data centre "ZRH" is in no single jurisdiction: list it in "colos" of a region whose jurisdiction is "eu".',
    ],
  ])('%s is refused', (text, error) => {
    expect(parse(text)).toEqual({ ok: false, error })
  })

  test('a data centre that two jurisdictions claim is in neither', () => {
    const both = regions.map((region) => ({ ...region, colos: ['FRA'] }))
    expect(parse('{"colo":"FRA"}', EU, both)).toMatchObject({ ok: false })
  })

  test('what is not a place is refused, not left out', () => {
    expect(parse('{"colo":"FRA","city":"Frankfurt"}')).toMatchObject({ ok: false })
  })
})

describe.each<MeshMode>([{ kind: 'cloudflare' }, { kind: 'dev' }])('in mode $kind', (mode) => {
  test('there is none', () => expect(parse(undefined, mode)).toEqual({ ok: true, value: undefined }))

  test('a stated one refuses to start', () => {
    expect(parse('{"colo":"FRA"}', mode)).toMatchObject({ ok: false })
  })
})
