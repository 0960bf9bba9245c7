/** Checks a receipt without the mesh: its signature, whom it is from and for, and that it is of the answer at hand. */
import type { JSONWebKeySet } from 'jose'
import { fromBase64Url } from '../../shared/fingerprint/bytes.ts'
import type { Digests } from '../../shared/fingerprint/fingerprint.ts'
import { isObject } from '../../shared/is-object.ts'
import { RECEIPT_TYPE, receiptClaims, type ReceiptClaims } from '../../shared/receipt/receipt.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { digestOfSaved } from './answer.ts'
import { openSigned, parseJson, type Opened } from './signed.ts'

export interface ReceiptQuestion {
  /** The receipt itself, or what `GET /v1/receipts/{request id}` gave. */
  readonly text: string
  readonly keys: JSONWebKeySet
  /** As they are to be. */
  readonly issuer?: string
  readonly audience?: string
  /** The answer as it was saved. */
  readonly answer?: string
  /** What was given beside the receipt, 43 characters of base64url. */
  readonly salt?: string
}

export interface VerifiedReceipt extends Opened<ReceiptClaims> {
  /** Whether the answer was compared, and is the one. */
  readonly isAnswerChecked: boolean
}

/** Fails with a sentence that says what is wrong. */
export async function verifyReceipt(
  question: ReceiptQuestion,
  digests: Digests,
): Promise<Result<VerifiedReceipt, string>> {
  const { jws, salt } = partsOf(question.text)
  const opened = await openSigned(jws, { type: RECEIPT_TYPE, schema: receiptClaims }, question.keys)
  if (!opened.ok) return opened
  const { claims } = opened.value
  const { issuer = claims.iss, audience = claims.aud, answer } = question
  if (claims.iss !== issuer) return err('it is from another issuer')
  if (claims.aud !== audience) return err('it is for another audience')
  if (answer === undefined) return ok({ ...opened.value, isAnswerChecked: false })

  const saltBytes = fromBase64Url(question.salt ?? salt ?? '')
  if (saltBytes?.length !== 32)
    return err('to compare the answer, the salt is needed that came with the receipt')
  const digest = await digestOfSaved(answer, claims.surface, saltBytes, digests)
  if (digest === undefined) return err('the answer is neither one JSON answer nor an event stream')
  return digest === claims.answer_digest
    ? ok({ ...opened.value, isAnswerChecked: true })
    : err('it is not of this answer')
}

function partsOf(text: string): { readonly jws: string; readonly salt?: string } {
  const whole = parseJson(text)
  if (!isObject(whole) || typeof whole['receipt'] !== 'string') return { jws: text.trim() }
  const salt = whole['answer_salt']
  return { jws: whole['receipt'], ...(typeof salt === 'string' ? { salt } : {}) }
}
