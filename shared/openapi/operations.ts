/** What can be called, for the OpenAPI document: one entry per route. Bodies are named by their schemas. */
import { ADMIN_OPERATIONS } from './admin-operations.ts'
import { USAGE_QUERY } from './usage-query.ts'

export type SchemaName =
  | 'ChatRequest'
  | 'CompletionsRequest'
  | 'EmbeddingsRequest'
  | 'ResidencyQuestion'
  | 'ValidateConfig'
  | 'PutConfig'
  | 'RollbackConfig'
  | 'DiffConfig'
  | 'CreateKey'
  | 'RotateKey'

export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** Parameters in braces. */
  readonly path: string
  readonly summary: string
  /** Whose key it needs. */
  readonly needs: 'api key' | 'admin token' | 'nothing'
  readonly body?: SchemaName
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Codes of errors besides that of the key, by status. */
  readonly errors?: Readonly<Record<string, string>>
  /** Of the answer that is no error; without it, application/json. */
  readonly answers?: readonly string[]
}

const GENERATING = {
  needs: 'api key',
  answers: ['application/json', 'text/event-stream'],
  headers: {
    'idempotency-key': 'Makes the same request, sent again, the same answer.',
    'x-mesh-residency': 'Jurisdictions, regions or pools it may go to; can only narrow.',
    'x-mesh-data-class': 'Class of the data, as rules know it.',
    'x-mesh-resumable': 'true: it goes on when the connection drops.',
    'x-mesh-receipt': 'true: the answer has a signed receipt.',
    'x-mesh-timeout-ms': 'Milliseconds for the whole answer.',
  },
  errors: {
    '400': 'The request is not understood.',
    '403': 'residency_violation, termination_not_allowed or storage_not_available',
    '404': 'model_not_found',
    '409': 'idempotency_key_conflict',
    '429': 'A limit is reached.',
    '503': 'no_eligible_pool, config_unavailable or edge_busy',
    '504': 'pool_timeout or not_cached',
  },
} as const
export const OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/chat/completions',
    summary: 'Chat completions.',
    body: 'ChatRequest',
    ...GENERATING,
  },
  {
    method: 'post',
    path: '/v1/completions',
    summary: 'Completions.',
    body: 'CompletionsRequest',
    ...GENERATING,
  },
  {
    method: 'post',
    path: '/v1/embeddings',
    summary: 'Embeddings.',
    body: 'EmbeddingsRequest',
    ...GENERATING,
    answers: ['application/json'],
  },
  { method: 'get', path: '/v1/models', summary: 'The models that the key may use.', needs: 'api key' },
  {
    method: 'get',
    path: '/v1/models/{model}',
    summary: 'One of them.',
    needs: 'api key',
    errors: { '404': 'model_not_found' },
  },
  {
    method: 'get',
    path: '/v1/generations/{run}',
    summary: 'Comes back to an answer.',
    needs: 'api key',
    query: { from: 'Events that were read already.' },
    answers: ['text/event-stream', 'application/json'],
    errors: { '404': 'run_not_found', '503': 'run_unavailable' },
  },
  {
    method: 'delete',
    path: '/v1/generations/{run}',
    summary: 'Lets go of an answer.',
    needs: 'api key',
    errors: { '404': 'run_not_found' },
  },
  {
    method: 'get',
    path: '/v1/usage',
    summary: 'What the key has used, spent and saved.',
    needs: 'api key',
    query: USAGE_QUERY,
    errors: { '400': 'invalid_parameter', '403': 'storage_not_available', '503': 'limits_unavailable' },
  },
  {
    method: 'get',
    path: '/v1/receipts/{request}',
    summary: 'The receipt of a stream.',
    needs: 'api key',
    errors: { '404': 'receipt_not_found' },
  },
  {
    method: 'get',
    path: '/.well-known/jwks.json',
    summary: 'The keys that receipts verify under.',
    needs: 'nothing',
  },
  { method: 'get', path: '/healthz', summary: 'Whether this isolate started.', needs: 'nothing' },
  { method: 'get', path: '/readyz', summary: 'Whether it should be sent requests.', needs: 'nothing' },
  ...ADMIN_OPERATIONS,
]
