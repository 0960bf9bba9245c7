/** The OpenAPI 3.1 document of the mesh, put together from the list of operations and the schemas of their bodies. */
import { OPERATIONS, type Operation, type SchemaName } from './operations.ts'

type Json = Readonly<Record<string, unknown>>

const SECURITY = {
  'api key': [{ apiKey: [] }],
  'admin token': [{ adminToken: [] }],
  nothing: [],
} as const

/** @param schemas JSON Schemas (2020-12) of the bodies */
export function openApiDocument(schemas: Readonly<Record<SchemaName, Json>>): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Warmpath',
      version: '1',
      description: 'The OpenAI-compatible API of the mesh, and the API of its operators.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'Clients' }, { name: 'Operators' }, { name: 'Everybody' }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, sk-mesh-…' },
        adminToken: { type: 'http', scheme: 'bearer', description: 'The admin token.' },
      },
      schemas: { ...schemas, Error: ERROR },
    },
  }
}

const ERROR = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: 'string' },
      },
    },
    mistakes: { type: 'array', items: { type: 'string' } },
    diff: { type: 'object' },
  },
}

function describe(operation: Operation): Json {
  const { method, path, summary, needs, body, answers = ['application/json'] } = operation
  const unauthorized = needs === 'nothing' ? {} : { '401': `The ${needs} is missing or not valid.` }
  const errors = { ...unauthorized, ...operation.errors }
  return {
    operationId: nameOf(method, path),
    summary,
    tags: [needs === 'nothing' ? 'Everybody' : needs === 'api key' ? 'Clients' : 'Operators'],
    security: SECURITY[needs],
    parameters: parametersOf(operation),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { $ref: `#/components/schemas/${body}` } } },
          },
        }),
    responses: {
      '200': { description: 'As asked.', content: Object.fromEntries(answers.map((type) => [type, {}])) },
      ...Object.fromEntries(
        Object.entries(errors).map(([status, description]) => [
          status,
          {
            description,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        ]),
      ),
    },
  }
}

function parametersOf({ path, query = {}, headers = {} }: Operation): Json[] {
  const schema = { type: 'string' }
  const inPath = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema,
  }))
  const others = [
    ...Object.entries(query).map((entry) => ['query', ...entry] as const),
    ...Object.entries(headers).map((entry) => ['header', ...entry] as const),
  ]
  return [
    ...inPath,
    ...others.map(([place, name, description]) => ({
      name,
      in: place,
      required: false,
      description,
      schema,
    })),
  ]
}

/** Such as `post_v1_chat_completions`. */
function nameOf(method: string, path: string): string {
  return [method, ...path.split(/[^A-Za-z0-9]+/).filter((part) => part !== '')].join('_')
}
