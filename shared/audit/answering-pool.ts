/** A pool that had a part in an answer, and where it stands: what audit entries and receipts say of it. */
import { z } from 'zod'

export const answeringPool = z.object({
  pool: z.string(),
  /** Region and jurisdiction are absent where the config no longer has the pool: then nothing is claimed of its place. */
  region: z.string().optional(),
  jurisdiction: z.string().optional(),
})

export type AnsweringPool = Readonly<z.output<typeof answeringPool>>
