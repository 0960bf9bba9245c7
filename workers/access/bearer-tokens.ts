/**
 * Who the bearer of an issuer's token is. Signature, issuer, audience and times are checked by `jose`; which algorithms count is
 * said here, so that neither `none` nor a shared secret is one.
 */
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JSONWebKeySet,
} from 'jose'
import { grantsThatHold } from '../../shared/access/granted.ts'
import { base64Url } from '../../shared/fingerprint/bytes.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { OidcGrant, OidcIssuer } from '../../shared/schema/config-oidc.ts'
import type { MeshConfig, Region } from '../../shared/schema/mesh.ts'
import { sha256Hex, webCryptoDigests } from '../digests.ts'
import type { Runtime } from '../runtime.ts'
import { createIssuerKeys } from './issuer-keys.ts'

export interface Bearer {
  /** The issuer's id and a keyed digest of the subject, e.g. `oidc-corp-3q2Z…`. */
  readonly who: string
  /** Those that its claims satisfy; perhaps none. */
  readonly grants: readonly OidcGrant[]
}

/** `unknown`: no token that is believed here. `unavailable`: its issuer cannot be asked for its keys. */
export type NoBearer = 'unknown' | 'unavailable'

export interface BearerTokens {
  /** `oidc`: the issuers of the config that the request is served under. */
  of(token: string, oidc: MeshConfig['oidc'], from: Region): Promise<Result<Bearer, NoBearer>>
}

const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'PS256', 'RS256']
/** Clocks of issuers and of ours may differ by as much. */
const SKEW_SECONDS = 60
/** A token that was checked is believed without checking for so long: its issuer may have taken its key back. */
const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 1000
/** 96 bits tell subjects apart and give none away. */
const SUBJECT_BYTES = 12

/** Whether a credential has the form of a token: three parts of base64url. */
export function looksLikeToken(credential: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(credential)
}

export function createBearerTokens(secret: Uint8Array, runtime: Runtime): BearerTokens {
  const issuerKeys = createIssuerKeys(runtime)
  /** By digest of the token, and only for the issuer it was checked against: another config may grant other things. */
  const remembered = new Map<string, Remembered>()

  async function check(token: string, issuer: OidcIssuer, from: Region): Promise<Result<Checked, NoBearer>> {
    const { kid } = decodeProtectedHeader(token)
    const keys = await issuerKeys.of(issuer, kid, from)
    if (keys === undefined) return err('unavailable')
    // What is published is the issuer's; jose checks each key when it imports it.
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys as JSONWebKeySet), {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: ALGORITHMS,
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(runtime.now()),
      requiredClaims: ['exp', 'sub'],
    })
    const { sub = '', exp = 0, iat } = payload
    if (iat !== undefined && iat * 1000 > runtime.now() + SKEW_SECONDS * 1000) return err('unknown')
    const label = webCryptoDigests.utf8(`warmpath/subject/v1\n${issuer.id}\n${sub}`)
    const digest = (await webCryptoDigests.hmacSha256(secret, label)).slice(0, SUBJECT_BYTES)
    const who = `oidc-${issuer.id}-${base64Url(digest)}`
    return ok({ bearer: { who, grants: grantsThatHold(issuer.grants, payload) }, expiresAtMs: exp * 1000 })
  }

  function remember(digest: string, issuer: OidcIssuer, { bearer, expiresAtMs }: Checked): void {
    const [oldest] = remembered.keys()
    if (remembered.size >= MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    const untilMs = Math.min(expiresAtMs, runtime.now() + REMEMBERED_MS)
    remembered.set(digest, { bearer, issuer, untilMs })
  }

  return {
    async of(token, oidc, from) {
      const issuer = issuerOf(token, oidc)
      if (issuer === undefined) return err('unknown')
      const digest = await sha256Hex(token)
      const before = remembered.get(digest)
      if (before?.issuer === issuer && runtime.now() < before.untilMs) return ok(before.bearer)
      remembered.delete(digest)
      try {
        const checked = await check(token, issuer, from)
        if (!checked.ok) return checked
        remember(digest, issuer, checked.value)
        return ok(checked.value.bearer)
      } catch (error) {
        // What jose throws names claims and times; none of it leaves. Anything else is not the token's fault.
        if (error instanceof errors.JOSEError || error instanceof TypeError) return err('unknown')
        throw error
      }
    },
  }
}

interface Remembered {
  readonly bearer: Bearer
  readonly issuer: OidcIssuer
  readonly untilMs: number
}

interface Checked {
  readonly bearer: Bearer
  readonly expiresAtMs: number
}

/** Whose it says it is: only to know which keys to ask for. */
function issuerOf(token: string, oidc: readonly OidcIssuer[]): OidcIssuer | undefined {
  try {
    const { iss } = decodeJwt(token)
    return oidc.find(({ issuer }) => issuer === iss)
  } catch {
    // Three parts, and no token.
    return undefined
  }
}
