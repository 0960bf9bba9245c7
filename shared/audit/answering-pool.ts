/** A pool that had a part in an answer, and where it stands: what audit entries and receipts say of it. */
import { z } from 'zod'
import type { MeshConfig } from '../schema/mesh.ts'

export const answeringPool = z.object({
  pool: z.string(),
  /** Region and jurisdiction are absent where the config no longer has the pool: then nothing is claimed of its place. */
  region: z.string().optional(),
  jurisdiction: z.string().optional(),
})

export type AnsweringPool = Readonly<z.output<typeof answeringPool>>

/** Where a pool stands, as far as this config knows it. */
export function answeringPoolOf(
  id: string,
  { pools, regions }: Pick<MeshConfig, 'pools' | 'regions'>,
): AnsweringPool {
  const region = pools.find((pool) => pool.id === id)?.region
  const jurisdiction = regions.find((known) => known.id === region)?.jurisdiction
  return { pool: id, ...(region && { region }), ...(jurisdiction && { jurisdiction }) }
}
