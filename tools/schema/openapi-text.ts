/** The text of docs/openapi.json. */
import { z } from 'zod'
import { isObject } from '../../shared/is-object.ts'
import { openApiDocument } from '../../shared/openapi/document.ts'
import {
  diffConfigSchema,
  putConfigSchema,
  rollbackConfigSchema,
  validateConfigSchema,
} from '../../shared/schema/admin-config.ts'
import { createKeySchema, rotateKeySchema } from '../../shared/schema/admin-keys.ts'
import { chatRequest } from '../../shared/schema/chat-request.ts'
import { completionsRequest } from '../../shared/schema/completions-request.ts'
import { embeddingsFields } from '../../shared/schema/embeddings-request.ts'
import { residencyQuestionSchema } from '../../shared/schema/residency-question.ts'

export function openApiText(): string {
  const document = openApiDocument({
    ChatRequest: request(chatRequest, 'messages'),
    CompletionsRequest: request(completionsRequest, 'prompt'),
    EmbeddingsRequest: request(embeddingsFields, 'input'),
    ResidencyQuestion: schemaOf(residencyQuestionSchema),
    ValidateConfig: schemaOf(validateConfigSchema),
    PutConfig: schemaOf(putConfigSchema),
    RollbackConfig: schemaOf(rollbackConfigSchema),
    DiffConfig: schemaOf(diffConfigSchema),
    CreateKey: schemaOf(createKeySchema),
    RotateKey: schemaOf(rotateKeySchema),
  })
  return `${JSON.stringify(document)}\n`
}

type Schema = Readonly<Record<string, unknown>>

function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    reused: 'inline',
    unrepresentable: 'any',
  })
  return finite(rest) as Schema
}

/** Which model it is decides what else a request may have; it is read before the rest. */
function request(schema: z.ZodType, content: string): Schema {
  const { properties, ...rest } = schemaOf(schema)
  const known = isObject(properties) ? properties : {}
  return {
    ...rest,
    properties: { model: { type: 'string' }, [content]: {}, ...known },
    required: ['model', content],
    additionalProperties: true,
  }
}

/** A bound that is none is left out: JSON has no infinity. */
function finite(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(finite)
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(
    ([, one]) => typeof one !== 'number' || (Number.isFinite(one) && Math.abs(one) < Number.MAX_SAFE_INTEGER),
  )
  return Object.fromEntries(entries.map(([key, one]) => [key, finite(one)]))
}
