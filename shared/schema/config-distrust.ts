/** Which stored answers are not to be trusted any more: the table [[distrust]] of mesh.toml. */
import { z } from 'zod'
import { id, modelName, text } from './config-values.ts'

const time = text(
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/,
  'a time in UTC, in quotes, e.g. "2026-05-01T08:00:00Z"',
)

export const distrustSchema = z.strictObject({
  pool: id.optional().describe('Answers this pool made, or had a part in.'),
  model: modelName.optional().describe('Answers of this model.'),
  version: id.optional().describe('Answers of this version of a model.'),
  from: time.describe('Made at this time or later.'),
  to: time.optional().describe('Made before this time; without it, until now.'),
})
