/** What is kept of an input opens under its own name and key, and under nothing else. */
import { expect, test } from 'vitest'
import type { EmbeddingEntry } from '../../../../shared/embedding/entry.ts'
import { createEntryCipher } from '../../../../workers/embeddings/entry-cipher.ts'
import { createVault } from '../../../../workers/vault/vault.ts'

const secret = (text: string) => new TextEncoder().encode(text.repeat(32))
const vault = createVault({ current: secret('a') })
const NAME = 'Aname'
const entry: EmbeddingEntry = {
  vector: Uint8Array.of(0, 0, 128, 63),
  pool: 'eu-central',
  model: 'small',
  modelVersion: '1',
  createdAtMs: 0,
  expiresAtMs: 1,
}

async function sealed() {
  const wrappedKey = await vault.newWrappedKey('ledger')
  const bytes = await createEntryCipher(vault, wrappedKey).seal(NAME, entry)
  if (bytes === undefined) throw new Error('was not sealed')
  return { wrappedKey, bytes }
}

test('it is read as it was, and shows nothing of itself', async () => {
  const { wrappedKey, bytes } = await sealed()
  expect(await createEntryCipher(vault, wrappedKey).open(NAME, bytes)).toEqual(entry)
  expect(Buffer.from(bytes).toString('latin1')).not.toContain('eu-central')
})

test('with any byte changed it is nothing', async () => {
  const { wrappedKey, bytes } = await sealed()
  const cipher = createEntryCipher(vault, wrappedKey)
  for (const index of bytes.keys()) {
    const changed = bytes.with(index, (bytes[index] ?? 0) ^ 1)
    expect(await cipher.open(NAME, changed)).toBeUndefined()
  }
  expect(await cipher.open(NAME, bytes.subarray(0, 20))).toBeUndefined()
})

test.each(['Aother', 'Bname'])('under the name %s it is nothing', async (name) => {
  const { wrappedKey, bytes } = await sealed()
  expect(await createEntryCipher(vault, wrappedKey).open(name, bytes)).toBeUndefined()
})

test('under the key of another epoch, or without the master secret, it is nothing', async () => {
  const { wrappedKey, bytes } = await sealed()
  const nextEpoch = createEntryCipher(vault, await vault.newWrappedKey('ledger'))
  expect(await nextEpoch.open(NAME, bytes)).toBeUndefined()
  const stranger = createEntryCipher(createVault({ current: secret('b') }), wrappedKey)
  expect(await stranger.open(NAME, bytes)).toBeUndefined()
  expect(await stranger.seal(NAME, entry)).toBeUndefined()
})
