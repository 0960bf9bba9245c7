/** Whose tokens are believed, and for what: the table [[oidc]] of mesh.toml. */
import { z } from 'zod'
import { ROLES } from '../access/role.ts'
import { id, oneOf, some, text } from './config-values.ts'

/** What a token can be good for: a role in the administration, or to be a client of a tenant. */
export const GRANTED = [...ROLES, 'client'] as const

const url = text(/^https?:\/\/[!-~]{1,500}$/, 'a URL such as "https://login.example.com"')

const grant = z.strictObject(
  {
    claim: text(
      /^[A-Za-z0-9_:/.-]{1,128}$/,
      'the name of a claim, e.g. "groups"; a dot leads into an object',
    ).describe(
      'A claim of the token: a text, or a list of texts. A dot leads into an object: "realm_access.roles".',
    ),
    value: text(/^[^\p{Cc}]{1,256}$/u, 'a text of at most 256 characters').describe(
      'What it must be, or have among its texts.',
    ),
    role: oneOf(GRANTED).describe(
      'What the bearer may do then: administer the mesh in a role, or, as `client`, send requests of the tenant.',
    ),
    tenant: id
      .optional()
      .describe('Of which tenant; `client` and `tenant-admin` need one, `operator` can have none.'),
  },
  'a table such as { claim = "groups", value = "mesh-operators", role = "operator" }',
)

export const oidcSchema = z.strictObject({
  id: id.describe('Name of the issuer, in logs.'),
  issuer: url.describe('The claim `iss`, exactly.'),
  audience: text(/^[!-~]{1,256}$/, 'a text such as "warmpath"').describe(
    'What the claim `aud` must be or have.',
  ),
  jwks_url: url.describe(
    'Where the issuer publishes its keys: `jwks_uri` of its /.well-known/openid-configuration.',
  ),
  grants: some(grant, 'grants, [[oidc.grants]]').describe(
    'What its tokens are good for; without a grant nothing.',
  ),
})

export type OidcIssuer = Readonly<z.output<typeof oidcSchema>>
export type OidcGrant = Readonly<OidcIssuer['grants'][number]>
