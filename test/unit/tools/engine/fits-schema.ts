/** A checker of JSON schema that shares nothing with the engine's reader: the keywords that tests use, strictly. */
import { isObject } from '../../../../shared/is-object.ts'

type Schema = Readonly<Record<string, unknown>>

export function fitsSchema(value: unknown, schema: unknown, root: unknown = schema): boolean {
  if (typeof schema === 'boolean') return schema
  if (!isObject(schema)) throw new Error('not a schema')
  const { $ref: reference, anyOf, enum: values, type } = schema
  if (typeof reference === 'string') return fitsSchema(value, resolve(root, reference), root)
  if (Array.isArray(anyOf) && !anyOf.some((one) => fitsSchema(value, one, root))) return false
  if (Array.isArray(values) && !values.some((one) => JSON.stringify(one) === JSON.stringify(value)))
    return false
  if ('const' in schema && JSON.stringify(schema['const']) !== JSON.stringify(value)) return false
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  if (type !== undefined && !types.some((name) => isOfType(value, name))) return false
  if (typeof value === 'string') return fitsText(value, schema)
  if (typeof value === 'number') return fitsNumber(value, schema)
  if (Array.isArray(value)) {
    const items = schema['items'] ?? true
    return (
      isWithin(value.length, schema, 'minItems', 'maxItems') &&
      value.every((one) => fitsSchema(one, items, root))
    )
  }
  return !isObject(value) || fitsObject(value, schema, root)
}

function resolve(root: unknown, reference: string): unknown {
  return reference
    .split('/')
    .slice(1)
    .reduce((at, name) => (isObject(at) ? at[name] : undefined), root)
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function fitsText(value: string, schema: Schema): boolean {
  return isWithin(Array.from(value).length, schema, 'minLength', 'maxLength')
}

function fitsNumber(value: number, schema: Schema): boolean {
  const { exclusiveMinimum: above = -Infinity, exclusiveMaximum: below = Infinity } = schema
  return isWithin(value, schema, 'minimum', 'maximum') && value > Number(above) && value < Number(below)
}

function isWithin(value: number, schema: Schema, least: string, most: string): boolean {
  return value >= Number(schema[least] ?? -Infinity) && value <= Number(schema[most] ?? Infinity)
}

function fitsObject(value: Schema, schema: Schema, root: unknown): boolean {
  const { properties, required, additionalProperties: others = true } = schema
  const known = isObject(properties) ? properties : {}
  if (Array.isArray(required) && !required.every((name) => Object.hasOwn(value, String(name)))) return false
  return Object.entries(value).every(([name, member]) =>
    fitsSchema(member, Object.hasOwn(known, name) ? known[name] : others, root),
  )
}
