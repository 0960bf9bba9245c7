/** The ids of runs as clients see them: what a run is, and a code that only the tenant's key, and the API key's name, can make. */
import { base64Url, concatBytes, fromBase64Url } from '../shared/fingerprint/bytes.ts'
import { encodeRun, parseRun, type Run } from '../shared/log/run.ts'
import { webCryptoDigests } from './digests.ts'

const PREFIX = 'run_'
/** 128 bits cannot be guessed. */
const CODE_BYTES = 16
/** A run of the longest names is shorter. */
const MAX_ID_CHARACTERS = 4096

export interface RunOwner {
  /** The tenant's own key. */
  readonly key: Uint8Array
  readonly keyId: string
}

export async function runIdOf(run: Run, owner: RunOwner): Promise<string> {
  const payload = webCryptoDigests.utf8(encodeRun(run))
  return PREFIX + base64Url(concatBytes([await codeOf(payload, owner), payload]))
}

/** The run of an id; undefined for one that is not this owner's, or nobody's. */
export async function openRunId(id: string, owner: RunOwner): Promise<Run | undefined> {
  if (!id.startsWith(PREFIX) || id.length > MAX_ID_CHARACTERS) return undefined
  const bytes = fromBase64Url(id.slice(PREFIX.length))
  if (bytes === undefined || bytes.byteLength <= CODE_BYTES) return undefined
  const payload = bytes.slice(CODE_BYTES)
  const expected = await codeOf(payload, owner)
  if (!crypto.subtle.timingSafeEqual(bytes.slice(0, CODE_BYTES), expected)) return undefined
  return parseRun(new TextDecoder().decode(payload))
}

async function codeOf(payload: Uint8Array, { key, keyId }: RunOwner): Promise<Uint8Array> {
  const label = webCryptoDigests.utf8(`warmpath/run/v1\n${keyId}\n`)
  const code = await webCryptoDigests.hmacSha256(key, concatBytes([label, payload]))
  return code.slice(0, CODE_BYTES)
}
