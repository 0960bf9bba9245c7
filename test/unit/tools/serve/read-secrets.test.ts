import { expect, test } from 'vitest'
import { readSecrets } from '../../../../tools/serve/read-secrets.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'

const GOOD = {
  MESH_FINGERPRINT_SECRET: 'fingerprint-secret-of-32-characters-or-more',
  MESH_ENCRYPTION_SECRET: 'encryption-secret-of-32-characters-or-more',
  MESH_ADMIN_TOKEN: 'admin-token-of-32-characters-or-more',
}
const [pool] = aMeshConfig({
  'eu-central': 'http://a.test',
  'us-east': 'http://b.test',
  'ap-southeast': 'http://c.test',
}).pools

const read = (
  environment: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
  auth?: string,
) =>
  readSecrets(pool === undefined || auth === undefined ? [] : [{ ...pool, auth }], {
    environment,
    readText: (file) => files[file],
    known: new Set(['a-secret-that-a-local-start-has-made']),
  })

const mistakesOf = (...args: Parameters<typeof read>) => {
  const secrets = read(...args)
  return secrets.ok ? [] : secrets.error
}

test('they come from the environment, those of pools too, and nothing else does', () => {
  const environment = { ...GOOD, POOL_EU: 'short', POOL_OTHER: 'x', PATH: '/bin', MESH_MODE: 'single:eu' }
  expect(read(environment, {}, 'secret:POOL_EU')).toEqual({ ok: true, value: { ...GOOD, POOL_EU: 'short' } })
})

test('those that exporters of traces name are needed as well', () => {
  const sources = { readText: () => undefined, known: new Set<string>() }
  const exporters = [{ auth: 'secret:TELEMETRY_EU' }]
  const environment = { ...GOOD, TELEMETRY_EU: 'key', TELEMETRY_US: 'nobody names it' }
  expect(readSecrets(exporters, { ...sources, environment })).toEqual({
    ok: true,
    value: { ...GOOD, TELEMETRY_EU: 'key' },
  })
  expect(readSecrets(exporters, { ...sources, environment: GOOD })).toEqual({
    ok: false,
    error: ['The secret TELEMETRY_EU is not set: set it, or TELEMETRY_EU_FILE to a file that holds it.'],
  })
})

test('they come from files, whose last line break is none of theirs', () => {
  const { MESH_ADMIN_TOKEN: token, ...rest } = GOOD
  const files = { '/run/token': `${token}\n`, '/run/pool': 'pool' }
  const environment = { ...rest, MESH_ADMIN_TOKEN_FILE: '/run/token', POOL_EU_FILE: '/run/pool' }
  expect(read(environment, files, 'secret:POOL_EU')).toEqual({
    ok: true,
    value: { ...GOOD, POOL_EU: 'pool' },
  })
})

test('whatever else is the product’s is passed on, also what this version does not know', () => {
  const previous = { MESH_ENCRYPTION_SECRET_PREVIOUS: 'another-secret-of-32-characters-or-more' }
  expect(read({ ...GOOD, ...previous })).toEqual({ ok: true, value: { ...GOOD, ...previous } })
})

test.each<[string, readonly Parameters<typeof read>[number][], string]>([
  [
    'missing',
    [{ ...GOOD, MESH_ADMIN_TOKEN: '' }],
    'The secret MESH_ADMIN_TOKEN is not set: set it, or MESH_ADMIN_TOKEN_FILE to a file that holds it.',
  ],
  [
    'of a pool, missing',
    [GOOD, {}, 'secret:POOL_EU'],
    'The secret POOL_EU is not set: set it, or POOL_EU_FILE to a file that holds it.',
  ],
  [
    'in two places',
    [{ ...GOOD, MESH_ADMIN_TOKEN_FILE: '/f' }, { '/f': 'x' }],
    'Both MESH_ADMIN_TOKEN and MESH_ADMIN_TOKEN_FILE are set: unset one.',
  ],
  [
    'in a file that is not there',
    [{ ...GOOD, MESH_ADMIN_TOKEN: '', MESH_ADMIN_TOKEN_FILE: '/f' }],
    'The file that MESH_ADMIN_TOKEN_FILE names cannot be read, or is empty.',
  ],
  [
    'too short',
    [{ ...GOOD, MESH_ADMIN_TOKEN: 'short' }],
    'The secret MESH_ADMIN_TOKEN must have at least 32 characters.',
  ],
  [
    'of a local start',
    [{ ...GOOD, MESH_ADMIN_TOKEN: 'a-secret-that-a-local-start-has-made' }],
    'The secret MESH_ADMIN_TOKEN is one of a local start or of the tests: make a new one.',
  ],
  [
    'used twice',
    [{ ...GOOD, MESH_ADMIN_TOKEN: GOOD.MESH_ENCRYPTION_SECRET }],
    'Two of the secrets MESH_… are the same: make one for each.',
  ],
  [
    'for pretending',
    [{ ...GOOD, MESH_DEV_COLO: 'SIN' }],
    'MESH_DEV_COLO is for a local start only: unset it.',
  ],
])('a secret %s is refused', (_name, args, mistake) => {
  expect(mistakesOf(...(args as Parameters<typeof read>))).toEqual([mistake])
})
