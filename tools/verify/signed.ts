/** Opens what the mesh has signed: a compact JWS of one type, under one of the keys that it publishes. */
import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import { z } from 'zod'
import { err, ok, type Result } from '../../shared/result.ts'

export interface Opened<Claims> {
  readonly claims: Claims
  /** Which key signed it. */
  readonly kid: string
}

const protectedHeader = z.object({ alg: z.literal('EdDSA'), typ: z.string(), kid: z.string() })

/** What a key list has to look like; jose looks at the rest. */
const keyList = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

/** The key list in a text; undefined if it is none. */
export function parseKeyList(text: string): JSONWebKeySet | undefined {
  return keyList.safeParse(parseJson(text)).data
}

/** Fails with a sentence that says what is wrong with it. */
export async function openSigned<Claims>(
  jws: string,
  { type, schema }: { readonly type: string; readonly schema: z.ZodType<Claims> },
  keys: JSONWebKeySet,
): Promise<Result<Opened<Claims>, string>> {
  try {
    const verified = await compactVerify(jws, createLocalJWKSet(keys), { algorithms: ['EdDSA'] })
    const header = protectedHeader.safeParse(verified.protectedHeader)
    if (!header.success) return err('it does not name the key it was signed under, or its own type')
    if (header.data.typ !== type) return err(`it is no "${type}"`)
    const claims = schema.safeParse(parseJson(new TextDecoder().decode(verified.payload)))
    if (!claims.success) return err('its claims are not those of a version that this verifier knows')
    return ok({ claims: claims.data, kid: header.data.kid })
  } catch (error) {
    return err(sentenceFor(error))
  }
}

function sentenceFor(error: unknown): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature does not match'
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'it was signed under a key that is not in the key list'
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it does not name the key it was signed under'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'it was signed in a way that the mesh does not use'
  return 'it is no compact JWS'
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // That it is not JSON is all there is to say.
    return undefined
  }
}
