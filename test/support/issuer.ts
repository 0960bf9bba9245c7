/** An issuer of tokens that signs with Node's own cryptography, and publishes its keys; it can go down and replace them. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Issuer {
  readonly url: string
  readonly jwksUrl: string
  /** Times it was asked for its keys. */
  asked(): number
  /** A token of these claims, over `iss`, `aud`, `sub`, `iat` and `exp` that are right. */
  token(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string
  /** Signs with a new key from now on. */
  rotate(): void
  setDown(isDown: boolean): void
  stop(): Promise<void>
}

export const AUDIENCE = 'warmpath-test'
const HOUR_SECONDS = 3600

export async function startIssuer(): Promise<Issuer> {
  let [key, kid] = [newKey(), 'key-1']
  let [isDown, asked] = [false, 0]
  const server = createServer((_request, response) => {
    asked += 1
    if (isDown) return void response.destroy()
    const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    jwksUrl: `${url}/keys`,
    asked: () => asked,
    token(claims = {}, header = {}) {
      const nowSeconds = Math.floor(Date.now() / 1000)
      const payload = {
        iss: url,
        aud: AUDIENCE,
        sub: 'anna@example.com',
        iat: nowSeconds,
        exp: nowSeconds + HOUR_SECONDS,
        ...claims,
      }
      return signed({ alg: 'ES256', kid, ...header }, payload, key.privateKey)
    },
    rotate() {
      key = newKey()
      kid = `key-${Number(kid.slice(4)) + 1}`
    },
    setDown(down) {
      isDown = down
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function newKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function signed(header: object, payload: object, key: KeyObject): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part(header)}.${part(payload)}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}
