/** One row per mistake in issuers and their grants: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'
import type { Edit } from './valid-config.ts'

const ISSUER = {
  id: 'corp',
  issuer: 'https://login.example.com',
  audience: 'warmpath',
  jwks_url: 'https://login.example.com/keys',
  grants: [{ claim: 'groups', value: 'ops', role: 'operator' }],
}

/** An issuer with one grant. */
function granting(role: string, tenant?: string): Edit {
  const grants = [{ claim: 'groups', value: 'x', role, ...(tenant === undefined ? {} : { tenant }) }]
  return ['oidc', [{ ...ISSUER, grants }]]
}

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'keys of an issuer over an open line',
    edits: [['oidc', [{ ...ISSUER, jwks_url: 'http://login.example.com/keys' }]]],
    prints: [
      'oidc[0] ("corp").jwks_url: "http://login.example.com/keys" would send prompts unencrypted; use https',
    ],
  },
  {
    mistake: 'keys of an issuer at a metadata address',
    edits: [['oidc', [{ ...ISSUER, jwks_url: 'https://169.254.169.254/keys' }]]],
    prints: [
      'oidc[0] ("corp").jwks_url: "https://169.254.169.254/keys" is a link-local or metadata address, which is allowed in dev only; give a public address, or a binding',
    ],
  },
  {
    mistake: 'the same issuer twice',
    edits: [['oidc', [ISSUER, { ...ISSUER, id: 'other' }]]],
    prints: [
      'oidc[1] ("other").issuer: "https://login.example.com" is already in oidc[0] ("corp"); give each its own',
    ],
  },
  {
    mistake: 'a client of no tenant',
    edits: [granting('client')],
    prints: ['oidc[0] ("corp").grants[0].tenant: missing; name the tenant that a client is of'],
  },
  {
    mistake: 'an operator of one tenant',
    edits: [granting('operator', 'eu-bank')],
    prints: [
      'oidc[0] ("corp").grants[0].tenant: "eu-bank" with role "operator"; leave it out, or make the role "tenant-admin"',
    ],
  },
  {
    mistake: 'a grant for a tenant that is not there',
    edits: [granting('client', 'eu-bnk')],
    prints: [
      'oidc[0] ("corp").grants[0].tenant: there is no tenant "eu-bnk"; tenants are demo, eu-bank. Did you mean "eu-bank"?',
    ],
  },
]

test.each(MISTAKES)('$mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})
