/** Bodies of the admin API that are about keys. */
import { z } from 'zod'
import { id, many, modelName, whole } from './config-values.ts'

const MAX_LIFE_SECONDS = 10 * 366 * 86_400
const MAX_OVERLAP_SECONDS = 30 * 86_400
const DAY_SECONDS = 86_400
const MAX_NAMES = 256

const names = (elements: string) =>
  many(modelName, elements).max(MAX_NAMES, `at most ${MAX_NAMES} ${elements}`)

export const createKeySchema = z.strictObject({
  id,
  expires_in_seconds: whole(1, MAX_LIFE_SECONDS).optional(),
  models: names('model ids').optional(),
  data_classes: names('names of data classes').optional(),
})
export const rotateKeySchema = z.strictObject({
  overlap_seconds: whole(0, MAX_OVERLAP_SECONDS).default(DAY_SECONDS),
})
