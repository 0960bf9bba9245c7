/** The delay layer: what a laptop hides and the real network charges for. Off unless MESH_DEV_DELAYS says otherwise. */
import { z } from 'zod'

const delaysSchema = z.strictObject({
  /** Round trips between an edge and an object that lives in another region. */
  objects: z.boolean().default(true),
  /** What a durable write takes beyond the local disk. */
  commitMs: z.number().min(0).default(30),
  /** The first read of a key in a data centre goes to a central store. */
  kvColdMs: z.number().min(0).default(100),
  /** How long a data centre may go on serving the value, or the absence, that it has read. */
  kvStaleMs: z.number().min(0).default(60_000),
})

export type Delays = Readonly<z.output<typeof delaysSchema>>

export const NO_DELAYS: Delays = { objects: false, commitMs: 0, kvColdMs: 0, kvStaleMs: 0 }

/** Reads the JSON of MESH_DEV_DELAYS; `{}` switches everything on with typical values. @throws on anything else */
export function parseDelays(text: string | undefined): Delays {
  return text === undefined ? NO_DELAYS : delaysSchema.parse(JSON.parse(text))
}
