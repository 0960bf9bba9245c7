/**
 * Where a node on one's own machines stands. The operator states it once, when the node starts; nothing in a request can
 * change it, because no platform is there that would vouch for what a request says.
 */
import { z } from 'zod'
import { jurisdictionOfArrival, type Arrival } from '../residency/arrival.ts'
import { err, ok, type Result } from '../result.ts'
import { CONTINENTS } from '../schema/config-tenants.ts'
import { colo, country, oneOf } from '../schema/config-values.ts'
import type { Region } from '../schema/mesh.ts'
import type { MeshMode } from './mode.ts'
import { quote } from './problem.ts'

export const nodePlaceSchema = z.strictObject(
  {
    /** A data centre that one of the config's regions lists. */
    colo,
    /** Of every client of this node; without it their country is unknown, which rules read strictly. */
    country: country.optional(),
    /** Of every client of this node. */
    continent: oneOf(CONTINENTS).optional(),
  },
  'a table with colo, country and continent',
)

export type NodePlace = Pick<Arrival, 'colo' | 'country' | 'continent'>

const NAME = 'MESH_NODE_PLACE'

/**
 * Reads the text of MESH_NODE_PLACE, which is JSON. Undefined where there is none and none is needed. The errors are
 * sentences: in single mode it must be there, and stand in the mode's jurisdiction; in the others it must not.
 */
export function parseNodePlace(
  text: string | undefined,
  { mode, regions }: { readonly mode: MeshMode; readonly regions: readonly Region[] },
): Result<NodePlace | undefined, string> {
  if (mode.kind !== 'single') {
    if (text === undefined) return ok(undefined)
    return err(`${NAME} is set, but only a node on one's own machines has one (MESH_MODE "single:…").`)
  }
  if (text === undefined)
    return err(`${NAME} is not set. It says where this node stands, e.g. {"colo":"FRA"}.`)
  const parsed = nodePlaceSchema.safeParse(jsonOf(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return err(
      `${NAME} cannot be read: ${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}.`,
    )
  }
  const place: NodePlace = withoutUndefined(parsed.data)
  const jurisdiction = jurisdictionOfArrival({ host: '', ...place }, regions)
  if (jurisdiction === mode.jurisdiction) return ok(place)
  const found =
    jurisdiction === undefined ? 'no single jurisdiction' : `the jurisdiction ${quote(jurisdiction)}`
  return err(
    `The node's data centre ${quote(parsed.data.colo)} is in ${found}: list it in "colos" of a region whose jurisdiction is ${quote(mode.jurisdiction)}.`,
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The schema says what was expected.
    return undefined
  }
}

function withoutUndefined({
  colo: code,
  country: land,
  continent,
}: z.output<typeof nodePlaceSchema>): NodePlace {
  return {
    colo: code,
    ...(land === undefined ? {} : { country: land }),
    ...(continent === undefined ? {} : { continent }),
  }
}
