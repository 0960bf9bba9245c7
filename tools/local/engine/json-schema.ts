/**
 * Turns a JSON schema into a shape. A recursive reference is followed once: where it comes again, an optional
 * property is left out, an array stays empty, an alternative is not taken. What constrains values in a way that is
 * not done here is refused, not ignored, as by vLLM's grammars; unknown keywords are annotations and mean nothing.
 */
import { err, ok, type Result } from '../../../shared/result.ts'
import { isObject } from '../../../shared/is-object.ts'
import { arrayShape, numberShape, textShape, type Json } from './schema-ranges.ts'
import type { Member, Shape } from './shape.ts'

/** A schema of every API in sight is far below; what multiplies beyond it is an attack, or a mistake. */
const MAX_SHAPES = 2_000
/** Far below what overflows the stack. */
const MAX_DEPTH = 100
/** Bounds the largest value that a shape allows, about in characters. */
const MAX_VALUE_SIZE = 20_000

const NOT_DONE = [
  ['pattern', 'patternProperties', 'propertyNames', 'minProperties', 'maxProperties', 'multipleOf', 'allOf'],
  ['not', 'if', 'dependentRequired', 'dependentSchemas', 'dependencies', 'uniqueItems', 'contains'],
  ['prefixItems', 'unevaluatedItems', 'unevaluatedProperties', '$dynamicRef', '$recursiveRef'],
].flat()
/** These may not stand beside a reference or alternatives, which would have to be merged with them. */
const CONSTRAINING = ['type', 'properties', 'required', 'items', 'enum', 'const', '$ref', 'anyOf', 'oneOf']

/** The error says what is wrong, without quoting the schema. */
export function shapeOf(schema: unknown): Result<Shape, string> {
  const read: Reading = { root: schema, shapes: 0, mistake: undefined }
  const shape = readSchema(read, schema, { refs: [], depth: 0 })
  if (read.mistake !== undefined) return err(read.mistake)
  if (shape === undefined) return err('no finite value fits the schema')
  if (sizeOf(shape) > MAX_VALUE_SIZE) return err('the schema asks for too large a value')
  return ok(shape)
}

/** The way to a schema. */
interface Path {
  readonly refs: readonly string[]
  readonly depth: number
}

interface Reading {
  readonly root: unknown
  shapes: number
  mistake: string | undefined
}

/** Undefined where nothing fits, or after a mistake. */
function readSchema(read: Reading, schema: unknown, from: Path): Shape | undefined {
  const path = { ...from, depth: from.depth + 1 }
  read.shapes += 1
  if (path.depth > MAX_DEPTH) read.mistake ??= 'the schema is too deep'
  if (read.shapes > MAX_SHAPES) read.mistake ??= 'the schema is too large'
  if (read.mistake !== undefined || schema === false) return undefined
  if (schema === true) return { kind: 'text', minLength: 0, maxLength: Infinity }
  if (!isObject(schema)) return fail(read, 'a schema must be an object, true or false')
  const notDone = NOT_DONE.find((keyword) => schema[keyword] !== undefined && schema[keyword] !== false)
  if (notDone !== undefined) return fail(read, `the schema uses ${notDone}, which is not simulated`)

  const { $ref: reference, anyOf, oneOf } = schema
  const alternatives = anyOf ?? oneOf
  if (reference === undefined && alternatives === undefined) return readPlain(read, schema, path)
  if (CONSTRAINING.filter((keyword) => schema[keyword] !== undefined).length > 1) {
    return fail(read, 'the schema has constraints beside $ref, anyOf or oneOf, which is not simulated')
  }
  if (reference !== undefined) return readReference(read, reference, path)
  if (!Array.isArray(alternatives)) return fail(read, 'anyOf and oneOf must be arrays')
  return either(alternatives.map((alternative) => readSchema(read, alternative, path)))
}

function readReference(read: Reading, reference: unknown, path: Path): Shape | undefined {
  if (typeof reference !== 'string' || !reference.startsWith('#')) {
    return fail(read, '$ref must point into the schema itself')
  }
  if (path.refs.includes(reference)) return undefined
  let target: unknown = read.root
  for (const step of reference.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined
  }
  if (target === undefined) return fail(read, '$ref points to nothing')
  return readSchema(read, target, { ...path, refs: [...path.refs, reference] })
}

function readPlain(read: Reading, schema: Json, path: Path): Shape | undefined {
  const types = typesOf(schema)
  const values = schema['const'] === undefined ? schema['enum'] : [schema['const']]
  if (values !== undefined) {
    if (!Array.isArray(values)) return fail(read, 'enum must be an array')
    const fitting = values.filter((value) => schema['type'] === undefined || isOfType(value, types))
    return either(fitting.map((value: unknown) => ({ kind: 'literal', value })))
  }
  return either(types.map((type) => readTyped(read, type, schema, path)))
}

function readTyped(read: Reading, type: unknown, schema: Json, path: Path): Shape | undefined {
  switch (type) {
    case 'string':
      return textShape(schema)
    case 'integer':
    case 'number':
      return numberShape(type, schema)
    case 'boolean':
      return { kind: 'either', shapes: [true, false].map((value) => ({ kind: 'literal', value })) }
    case 'null':
      return { kind: 'literal', value: null }
    case 'array':
      return arrayShape(schema, readSchema(read, schema['items'] ?? true, path))
    case 'object':
      return readObject(read, schema, path)
    default:
      return fail(read, 'type must be one of the seven of JSON schema')
  }
}

function readObject(read: Reading, schema: Json, path: Path): Shape | undefined {
  const { properties = {}, required = [], additionalProperties: others = true } = schema
  if (!isObject(properties)) return fail(read, 'properties must be an object')
  if (!Array.isArray(required)) return fail(read, 'required must be an array')
  const needed = new Set<unknown>(required)
  const schemas = new Map<string, unknown>(Object.entries(properties))
  for (const name of needed) {
    if (typeof name !== 'string') return fail(read, 'required must hold names')
    if (!schemas.has(name)) schemas.set(name, others)
  }
  const members: Member[] = []
  for (const [name, member] of schemas) {
    const shape = readSchema(read, member, path)
    const isRequired = needed.has(name)
    if (shape !== undefined) members.push({ name, shape, isRequired })
    else if (isRequired) return undefined
  }
  return { kind: 'object', members }
}

/** A schema that names no type is of the one that its keywords are about. */
function typesOf({ type, properties, required, items }: Json): readonly unknown[] {
  if (type !== undefined) return Array.isArray(type) ? type : [type]
  if (properties !== undefined || required !== undefined) return ['object']
  return [items === undefined ? 'string' : 'array']
}

function isOfType(value: unknown, types: readonly unknown[]): boolean {
  if (value === null) return types.includes('null')
  if (Array.isArray(value)) return types.includes('array')
  if (Number.isInteger(value) && types.includes('integer')) return true
  return types.includes(typeof value)
}

function either(found: readonly (Shape | undefined)[]): Shape | undefined {
  const shapes = found.filter((shape) => shape !== undefined)
  return shapes.length > 1 ? { kind: 'either', shapes } : shapes[0]
}

function fail(read: Reading, mistake: string): undefined {
  read.mistake ??= mistake
}

/** The largest value's, about in characters. */
function sizeOf(shape: Shape): number {
  switch (shape.kind) {
    case 'either':
      return Math.max(...shape.shapes.map(sizeOf))
    case 'literal':
      return JSON.stringify(shape.value).length
    case 'text':
      return 40 + shape.minLength
    case 'array':
      return 2 + shape.maxItems * sizeOf(shape.items)
    case 'object':
      return shape.members.reduce((sum, { name, shape: member }) => sum + name.length + sizeOf(member), 2)
    default:
      return 10
  }
}
