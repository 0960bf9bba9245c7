/**
 * The vault's formats written down a second time, with node:crypto, from their description and not from their code: what
 * one side makes, the other must open.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'

export interface VaultVector {
  readonly masterSecret: string
  readonly context: string
  readonly epochKeyHex: string
  readonly wrapNonceHex: string
  readonly wrappedKey: string
  readonly scope: string
  readonly label: string
  readonly nonceHex: string
  readonly plain: string
  readonly sealedHex: string
}

/** What a vector's inputs are made into. */
export type Made = 'wrappedKey' | 'sealedHex'

function hkdf(input: string | Buffer, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', input, '', info, bytes))
}

function headerOf(masterSecret: string, context: string): Buffer {
  const digest = createHash('sha256').update(context, 'utf8').digest()
  return Buffer.concat([Buffer.of(1), hkdf(masterSecret, 'warmpath/wrap-id/v1', 4), digest.subarray(0, 16)])
}

function aadOf(scope: string, label: string): Buffer {
  return Buffer.from(JSON.stringify(['warmpath/at-rest/v1', scope, label]), 'utf8')
}

function encrypt(key: Buffer, nonce: Buffer, plain: Buffer, aad: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Buffer, sealed: Buffer, aad: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad)
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
}

/** Throws where it does not authenticate. */
export function unwrapByNode(wrappedKey: string, masterSecret: string, context: string): Buffer {
  const bytes = Buffer.from(wrappedKey, 'base64url')
  return decrypt(
    hkdf(masterSecret, 'warmpath/wrap/v1', 32),
    bytes.subarray(21),
    headerOf(masterSecret, context),
  )
}

/** Throws where it does not authenticate. */
export function openByNode(
  sealed: Uint8Array,
  epochKey: Buffer,
  { scope, label }: { readonly scope: string; readonly label: string },
): Buffer {
  return decrypt(
    hkdf(epochKey, `warmpath/at-rest/v1\n${scope}`, 32),
    Buffer.from(sealed),
    aadOf(scope, label),
  )
}

export function makeVector(input: Omit<VaultVector, Made>): VaultVector {
  const { masterSecret, context, scope, label, plain } = input
  const epochKey = Buffer.from(input.epochKeyHex, 'hex')
  const header = headerOf(masterSecret, context)
  const secretKey = hkdf(masterSecret, 'warmpath/wrap/v1', 32)
  const wrapped = encrypt(secretKey, Buffer.from(input.wrapNonceHex, 'hex'), epochKey, header)
  const scopeKey = hkdf(epochKey, `warmpath/at-rest/v1\n${scope}`, 32)
  const nonce = Buffer.from(input.nonceHex, 'hex')
  return {
    ...input,
    wrappedKey: Buffer.concat([header, wrapped]).toString('base64url'),
    sealedHex: encrypt(scopeKey, nonce, Buffer.from(plain, 'utf8'), aadOf(scope, label)).toString('hex'),
  }
}
