/** What is derived for a tenant is the same every time and another one's for nobody else. */
import { expect, test } from 'vitest'
import { createTenantKeyring } from '../../../workers/tenant-keys.ts'

const SECRET = new TextEncoder().encode('a master secret of 32 bytes or more')

async function textsOf(secret: Uint8Array, tenant: string): Promise<string[]> {
  const { key, cacheSalt, objectName } = await createTenantKeyring(secret).of(tenant)
  return [Buffer.from(key).toString('hex'), cacheSalt, objectName]
}

test('two keyrings of one secret agree, and asking twice does too', async () => {
  expect(await textsOf(SECRET, 'demo')).toEqual(await textsOf(SECRET, 'demo'))
  const keyring = createTenantKeyring(SECRET)
  const [first, second] = await Promise.all([keyring.of('demo'), keyring.of('demo')])
  expect(first).toEqual(second)
  expect(await keyring.of('demo')).toEqual(first)
})

test('another tenant, or another secret, shares none of them', async () => {
  const own = await textsOf(SECRET, 'demo')
  for (const other of [
    await textsOf(SECRET, 'demo2'),
    await textsOf(SECRET, 'Demo'),
    await textsOf(new TextEncoder().encode('another master secret of 32 bytes.'), 'demo'),
  ]) {
    expect(own.filter((text) => other.includes(text))).toEqual([])
  }
})

test('the name of an object is a digest of which nobody can read the tenant', async () => {
  const [key, , objectName] = await textsOf(SECRET, 'demo')
  expect(objectName).toMatch(/^[0-9a-f]{32}$/)
  expect(key).not.toContain(objectName)
})
