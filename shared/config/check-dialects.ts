/** Checks what only some dialects ask of a pool's config: a version, a limit, the name of a deployment, a header. */
import type { Pool } from '../schema/mesh.ts'
import type { Draft, Entry } from './draft.ts'
import { quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

/** Azure's own rule for the names of deployments. Such a name is one segment of a path, whatever is made of it. */
const DEPLOYMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$/

/** Headers with a meaning of their own on every call, which a key would take the place of. */
const TAKEN_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'anthropic-version',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export function checkDialects(draft: Draft): ConfigProblem[] {
  return draft.pools.entries.flatMap((pool) => [
    ...version(pool),
    ...defaultLimit(pool),
    ...deployments(pool),
    ...authHeader(pool),
  ])
}

function version({ value: { dialect, api_version: version }, path }: Entry<Pool>): ConfigProblem[] {
  const at = `${path}.api_version`
  if (dialect === 'azure' && version === undefined) {
    return [{ path: at, found: 'missing', expected: 'give the version to ask for, e.g. "2024-10-21"' }]
  }
  if (dialect !== 'azure' && version !== undefined) {
    return [{ path: at, found: `${quote(dialect)} pools have none to ask for`, expected: 'remove it' }]
  }
  return []
}

function defaultLimit({ value: { dialect, default_max_tokens: limit }, path }: Entry<Pool>): ConfigProblem[] {
  if (dialect === 'anthropic' || limit === undefined) return []
  return [
    {
      path: `${path}.default_max_tokens`,
      found: `${quote(dialect)} pools need none`,
      expected: 'remove it',
    },
  ]
}

function deployments({ value: { dialect, models }, path }: Entry<Pool>): ConfigProblem[] {
  if (dialect !== 'azure') return []
  return models.flatMap(({ model, served }, index) => {
    const name = served ?? model
    if (DEPLOYMENT.test(name)) return []
    return [
      {
        path: `${path}.models[${index}].served`,
        found: `${quote(name)} is no name of a deployment`,
        expected: 'give one of 2 to 64 letters, digits and . _ -',
      },
    ]
  })
}

function authHeader({ value: { auth, auth_header: header }, path }: Entry<Pool>): ConfigProblem[] {
  if (header === undefined) return []
  const at = `${path}.auth_header`
  if (auth === undefined) {
    return [
      { path: at, found: 'there is no key to send in it', expected: 'remove it, or name a secret with auth' },
    ]
  }
  if (!TAKEN_HEADERS.has(header)) return []
  return [
    {
      path: at,
      found: `${quote(header)} says something else`,
      expected: 'give the header that the pool reads its key from, e.g. "x-api-key"',
    },
  ]
}
