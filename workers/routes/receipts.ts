/** GET /v1/receipts/{request id}: the receipt of a stream; and the keys that receipts verify under. */
import type { Handler } from 'hono'
import { base64Url } from '../../shared/fingerprint/bytes.ts'
import { answerSalt } from '../../shared/receipt/answer-digest.ts'
import { shelfOf } from '../../shared/receipt/shelf-of.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import type { AppVariables } from '../app-variables.ts'
import { webCryptoDigests } from '../digests.ts'
import { failed } from '../error-response.ts'
import { JSON_HEADERS } from '../response-headers.ts'
import { authenticate } from '../stages/authenticate.ts'
import { checkArrival } from '../stages/check-arrival.ts'
import { receive } from '../stages/receive.ts'
import { incomingOf } from './incoming.ts'

const REQUEST_ID = /^req_[0-9a-f]{24}$/
/** Keys are replaced by hand; a verifier asks again for one it does not know. */
const KEYS_HEADERS = { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=300' }

/** Every key of the tenant may fetch it: it has nothing of the answer. */
export const fetchReceipt: Handler<AppVariables> = async (context) => {
  const edge = context.get('edge')
  const received = receive(await incomingOf(context), edge)
  if (!received.ok) return failed(received.error)
  const authenticated = await authenticate(received.value, edge)
  if (!authenticated.ok) return failed(authenticated.error)
  const arrived = checkArrival(authenticated.value, edge)
  if (!arrived.ok) return failed(arrived.error)

  const { tenant } = arrived.value
  const requestId = context.req.param('request') ?? ''
  const home = tenantHome(tenant, edge.mesh.config, edge.mesh.mode)
  if (!REQUEST_ID.test(requestId) || home === undefined) return failed({ reason: 'receipt_not_found' })
  const { key, objectName } = await edge.keys.of(tenant.id)
  const receipt = await edge.stubs.receiptShelf(home, objectName, shelfOf(requestId)).get(requestId)
  if (receipt === undefined) return failed({ reason: 'receipt_not_found' })
  const salt = base64Url(await answerSalt(key, requestId, webCryptoDigests))
  return new Response(JSON.stringify({ receipt, answer_salt: salt }), { headers: JSON_HEADERS })
}

export const publishKeys: Handler<AppVariables> = async (context) => {
  const { signer } = context.get('edge')
  const keys = signer === undefined ? { keys: [] } : await signer.publishedKeys()
  return new Response(JSON.stringify(keys), { headers: KEYS_HEADERS })
}
