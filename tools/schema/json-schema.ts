/** The text of mesh.schema.json. */
import { z } from 'zod'
import { meshSchema } from '../../shared/schema/mesh.ts'

/** Draft 7 is what editors know best; `input` because a file may leave out what has a default. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(meshSchema, { target: 'draft-7', io: 'input', reused: 'inline' })
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
