/** What is sealed opens under its own key, scope and label, and under nothing else; keys open under live secrets only. */
import { describe, expect, test } from 'vitest'
import { createVault, type Cipher, type Vault } from '../../../../workers/vault/vault.ts'
import vectors from '../../../fixtures/vault/vectors.json' with { type: 'json' }
import { openByNode, unwrapByNode } from '../../../support/vault-by-node.ts'

const CONTEXT = 'a ledger, epoch 7'
const SECRET = 'a secret of thirty-two characters'
const OTHER_SECRET = 'another secret of as many letters'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)

function aVault(current = SECRET, previous?: string): Vault {
  return createVault({
    current: utf8(current),
    ...(previous === undefined ? {} : { previous: utf8(previous) }),
  })
}

async function aCipher(scope = 'take-1', vault = aVault(), wrappedKey?: string): Promise<Cipher> {
  const cipher = await vault.cipher(wrappedKey ?? (await vault.newWrappedKey(CONTEXT)), scope)
  if (cipher === undefined) throw new Error('its own key opens')
  return cipher
}

/** Every way to change one bit of one byte, or to lose or add one. */
function tampered(bytes: Uint8Array): Uint8Array[] {
  const flipped = [...bytes.keys()].map((at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))
  return [...flipped, bytes.subarray(1), bytes.subarray(0, -1), Uint8Array.from([...bytes, 0])]
}

/** Every way to change one character. */
function misspelt(word: string): string[] {
  return Array.from(
    { length: word.length },
    (_, at) => `${word.slice(0, at)}${word[at] === 'A' ? 'B' : 'A'}${word.slice(at + 1)}`,
  )
}

describe.each(vectors)('the vector in scope $scope', (vector) => {
  test('opens', async () => {
    const cipher = await aCipher(vector.scope, aVault(vector.masterSecret), vector.wrappedKey)
    const opened = await cipher.open(vector.label, new Uint8Array(Buffer.from(vector.sealedHex, 'hex')))
    expect(text(opened)).toBe(vector.plain)
  })

  test('is of its context', async () => {
    expect(await aVault(vector.masterSecret).renew(vector.wrappedKey, vector.context)).toBe(vector.wrappedKey)
  })
})

test('another program opens what the vault makes', async () => {
  const vault = aVault()
  const wrappedKey = await vault.newWrappedKey(CONTEXT)
  const epochKey = unwrapByNode(wrappedKey, SECRET, CONTEXT)
  expect(epochKey).toHaveLength(32)
  const place = { scope: 'take-1', label: 'about' }
  const cipher = await aCipher(place.scope, vault, wrappedKey)
  const sealed = await cipher.seal(place.label, utf8('what was said'))
  expect(openByNode(sealed, epochKey, place).toString()).toBe('what was said')
})

describe('a sealed piece', () => {
  test.each([
    ['nothing', 0],
    ['one byte', 1],
    ['a whole segment', 1024 * 1024],
  ])('of %s opens to what it was, and is 28 bytes longer', async (_name, bytes) => {
    const cipher = await aCipher()
    const plain = new Uint8Array(bytes).fill(7)
    const sealed = await cipher.seal('segment 0', plain)
    expect(sealed.length).toBe(bytes + 28)
    const opened = await cipher.open('segment 0', sealed)
    expect(opened && Buffer.compare(opened, plain)).toBe(0)
  })

  test('with any byte changed, lost or added does not open', async () => {
    const cipher = await aCipher()
    const sealed = await cipher.seal('about', utf8('secret'))
    for (const changed of tampered(sealed)) expect(await cipher.open('about', changed)).toBeUndefined()
  })

  test.each([0, 1, 11, 12, 27])('of %i bytes is none', async (bytes) => {
    expect(await (await aCipher()).open('about', new Uint8Array(bytes))).toBeUndefined()
  })

  test('does not open under another label', async () => {
    const cipher = await aCipher()
    const sealed = await cipher.seal('segment 1', utf8('secret'))
    for (const label of [...misspelt('segment 1'), 'segment 11', 'segment ', '', 'segment 1\n']) {
      expect(await cipher.open(label, sealed)).toBeUndefined()
    }
  })

  test('does not open in another scope, nor where scope and label are cut elsewhere', async () => {
    const vault = aVault()
    const wrappedKey = await vault.newWrappedKey(CONTEXT)
    const sealed = await (await aCipher('take-1', vault, wrappedKey)).seal('about', utf8('secret'))
    for (const scope of [...misspelt('take-1'), 'take-11', 'take', '', 'take-1\n']) {
      expect(await (await aCipher(scope, vault, wrappedKey)).open('about', sealed)).toBeUndefined()
    }
    expect(await (await aCipher('take-1a', vault, wrappedKey)).open('bout', sealed)).toBeUndefined()
  })

  test('is another each time: the nonce is random', async () => {
    const cipher = await aCipher()
    const pieces = await Promise.all(Array.from({ length: 200 }, () => cipher.seal('about', utf8('same'))))
    const nonces = new Set(pieces.map((piece) => Buffer.from(piece.subarray(0, 12)).toString('hex')))
    expect(nonces.size).toBe(200)
  })
})

describe('a wrapped key', () => {
  test('is 108 characters of base64url, says its format, and is another each time', async () => {
    const vault = aVault()
    const keys = await Promise.all([vault.newWrappedKey(CONTEXT), vault.newWrappedKey(CONTEXT)])
    // The first byte is 1.
    for (const key of keys) expect(key).toMatch(/^AQ[A-Za-z0-9_-]{106}$/)
    expect(unwrapByNode(keys[0], SECRET, CONTEXT)).not.toEqual(unwrapByNode(keys[1], SECRET, CONTEXT))
  })

  test('with any character changed gives no cipher and is not renewed', async () => {
    const vault = aVault()
    const wrappedKey = await vault.newWrappedKey(CONTEXT)
    for (const changed of [
      ...misspelt(wrappedKey),
      wrappedKey.slice(1),
      `${wrappedKey}A`,
      `${wrappedKey}=`,
      '',
    ]) {
      expect(await vault.cipher(changed, 'take-1')).toBeUndefined()
      expect(await vault.renew(changed, CONTEXT)).toBeUndefined()
    }
  })

  test('is not renewed for another context', async () => {
    const vault = aVault()
    const wrappedKey = await vault.newWrappedKey(CONTEXT)
    expect(await vault.renew(wrappedKey, CONTEXT)).toBe(wrappedKey)
    for (const context of [...misspelt(CONTEXT), `${CONTEXT} `, '']) {
      expect(await vault.renew(wrappedKey, context)).toBeUndefined()
    }
  })

  test('of another secret opens nothing', async () => {
    const wrappedKey = await aVault().newWrappedKey(CONTEXT)
    const stranger = aVault(OTHER_SECRET)
    expect(await stranger.cipher(wrappedKey, 'take-1')).toBeUndefined()
    expect(await stranger.renew(wrappedKey, CONTEXT)).toBeUndefined()
  })

  test('of another secret opens nothing even if it names ours', async () => {
    const own = Buffer.from(await aVault().newWrappedKey(CONTEXT), 'base64url')
    const foreign = Buffer.from(await aVault(OTHER_SECRET).newWrappedKey(CONTEXT), 'base64url')
    own.copy(foreign, 0, 0, 21)
    expect(await aVault().cipher(foreign.toString('base64url'), 'take-1')).toBeUndefined()
  })
})

describe('when the secret is replaced', () => {
  test('the previous one still opens, and renewing puts the same key under the current one', async () => {
    const old = aVault(SECRET)
    const wrappedKey = await old.newWrappedKey(CONTEXT)
    const sealed = await (await aCipher('take-1', old, wrappedKey)).seal('about', utf8('kept'))

    const both = aVault(OTHER_SECRET, SECRET)
    expect(text(await (await aCipher('take-1', both, wrappedKey)).open('about', sealed))).toBe('kept')
    const renewed = await both.renew(wrappedKey, CONTEXT)
    if (renewed === undefined) throw new Error('a live secret opens it')
    expect(renewed).not.toBe(wrappedKey)
    expect(await both.renew(renewed, CONTEXT)).toBe(renewed)

    const only = aVault(OTHER_SECRET)
    expect(text(await (await aCipher('take-1', only, renewed)).open('about', sealed))).toBe('kept')
    expect(await only.cipher(wrappedKey, 'take-1')).toBeUndefined()
    expect(await old.cipher(renewed, 'take-1')).toBeUndefined()
  })

  test('what is new is under the current one', async () => {
    const wrappedKey = await aVault(OTHER_SECRET, SECRET).newWrappedKey(CONTEXT)
    expect(await aVault(SECRET).cipher(wrappedKey, 'take-1')).toBeUndefined()
    expect(await aVault(OTHER_SECRET).cipher(wrappedKey, 'take-1')).toBeDefined()
  })

  test('both may be the same for a while', async () => {
    const vault = aVault(SECRET, SECRET)
    const wrappedKey = await vault.newWrappedKey(CONTEXT)
    expect(await vault.renew(wrappedKey, CONTEXT)).toBe(wrappedKey)
  })
})

test('more keys than are remembered all open, whatever the order', async () => {
  const vault = aVault()
  const keys = await Promise.all(Array.from({ length: 300 }, () => vault.newWrappedKey(CONTEXT)))
  const sealed = await Promise.all(
    keys.map(async (key) => (await aCipher('take-1', vault, key)).seal('about', utf8(key))),
  )
  for (const [index, key] of [...keys.entries(), ...keys.entries()]) {
    const piece = sealed[index] ?? new Uint8Array()
    expect(text(await (await aCipher('take-1', vault, key)).open('about', piece))).toBe(key)
  }
})
