/** The search for leaked bytes finds what is planted, in every place and in every form: else finding nothing would say nothing. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANSWER_MARK, PROMPT_MARK, startByteWatch, type ByteWatch } from '../support/byte-watch.ts'
import { digestedForms, encodedForms, foundIn, haystack } from '../support/leak-forms.ts'

const PLANTER = `export default {
  async fetch(request) {
    console.log(await request.text())
    return new Response()
  },
}`
const modules = { 'index.js': { type: 'esm', contents: PLANTER } }
const PLANTER_WORKER = {
  config: { name: 'planter', compatibilityDate: '2026-10-28', manifest: { mainModule: 'index.js', modules } },
}

/** A search reads everything that is stored. */
const LONG_MS = 120_000
const WAIT = { timeout: 20_000, interval: 500 }

let watch: ByteWatch
beforeAll(async () => {
  watch = await startByteWatch([PLANTER_WORKER])
})
afterAll(() => watch.stop())

test('finds nothing where nothing is', { timeout: LONG_MS }, async () => {
  const { found, bytes } = await watch.search()
  expect(found).toEqual([])
  expect(bytes).toBeGreaterThan(0)
  expect(await watch.kvKeys()).toEqual([])
})

test('finds it in the name, the value and the metadata of a KV entry', { timeout: LONG_MS }, async () => {
  const kv = await watch.mesh.miniflare.getKVNamespace('ANSWERS', watch.mesh.objectOwner)
  await kv.put(`log/${PROMPT_MARK}`, 'nothing')
  expect(await placesOf(`${PROMPT_MARK}, plain`)).toContainEqual(expect.stringMatching(/^kv.*table/))
  await kv.put('value', `..${Buffer.from(`a ${PROMPT_MARK} b`).toString('base64')}..`)
  expect(await placesOf(`${PROMPT_MARK}, base64`)).toContainEqual(expect.stringMatching(/^kv.*blob/))
  await kv.put('metadata', 'nothing', { metadata: { of: sha256(PROMPT_MARK).toString('hex') } })
  expect(await placesOf(`${PROMPT_MARK}, sha256 in hex`)).toContainEqual(expect.stringMatching(/^kv.*table/))
  expect(await watch.kvKeys()).toContain(`log/${PROMPT_MARK}`)
})

test(
  'finds it in the rows of an object, in whatever form, and where the file has them in pieces',
  { timeout: LONG_MS },
  async () => {
    const { miniflare, objectOwner } = watch.mesh
    const shard = await miniflare.unsafeGetDurableObjectStorage(objectOwner, 'LogShard', {
      name: 'us:log/us-east/3',
    })
    await shard.exec('CREATE TABLE planted (text TEXT, bytes BLOB)')
    const plant = (text: string, bytes: Uint8Array = new Uint8Array()) =>
      shard.exec(
        'INSERT INTO planted (text, bytes) VALUES (?, unhex(?))',
        text,
        Buffer.from(bytes).toString('hex'),
      )
    const inRows = expect.stringMatching(/LogShard.*table planted/)

    await plant('UTF-16', Buffer.from(ANSWER_MARK, 'utf16le'))
    expect(await placesOf(`${ANSWER_MARK}, UTF-16LE`)).toContainEqual(inRows)
    await plant(sha256(ANSWER_MARK).toString('base64url'))
    expect(await placesOf(`${ANSWER_MARK}, sha256 in base64url`)).toContainEqual(inRows)
    await plant('digest', createHash('md5').update(ANSWER_MARK).digest())
    expect(await placesOf(`${ANSWER_MARK}, md5 in bytes`)).toContainEqual(inRows)
    watch.digested('a whole prompt', 'the prompt')
    await plant(sha256('a whole prompt').toString('hex'))
    expect(await placesOf('the prompt, sha256 in hex')).toContainEqual(inRows)

    // A page holds 4096 bytes: the marks lie across the ends of several.
    expect(await placesOf(`${ANSWER_MARK}, plain`)).toEqual([])
    await plant(ANSWER_MARK.repeat(2000))
    expect(await placesOf(`${ANSWER_MARK}, plain`)).toContainEqual(inRows)
    expect(await watch.objectNames()).toContain('us:log/us-east/3')
  },
)

test('sees a row that was deleted, as long as the file has it', { timeout: LONG_MS }, async () => {
  const { miniflare, objectOwner } = watch.mesh
  const shard = await miniflare.unsafeGetDurableObjectStorage(objectOwner, 'LogShard', {
    name: 'sg:log/ap-southeast/1',
  })
  await shard.exec('CREATE TABLE planted (text TEXT)')
  await shard.exec('INSERT INTO planted (text) VALUES (?)', Buffer.from(ANSWER_MARK).toString('hex'))
  await shard.exec('DELETE FROM planted')
  const places = await placesOf(`${ANSWER_MARK}, hex`)
  expect(places).toContainEqual(expect.stringMatching(/LogShard.*\.sqlite(-wal)?$/))
  expect(places).not.toContainEqual(expect.stringMatching(/table planted/))
})

test('does not know the name of an object that is called otherwise', { timeout: LONG_MS }, async () => {
  const { miniflare, objectOwner } = watch.mesh
  expect(await watch.objectNames()).not.toContain('unknown')
  const name = `log/${PROMPT_MARK}/1`
  const shard = await miniflare.unsafeGetDurableObjectStorage(objectOwner, 'LogShard', { name })
  await shard.exec('CREATE TABLE planted (text TEXT)')
  expect(await watch.objectNames()).toContain('unknown')
})

test(
  'finds it in the Cache API, in a log line, in what a client is told and in what a pool is sent',
  { timeout: LONG_MS },
  async () => {
    const { miniflare } = watch.mesh
    const cache = await (await miniflare.getCaches()).open('warmpath')
    const headers = { 'cache-control': 'max-age=60' }
    // The stand-in for the cache takes its own kind of response.
    const Kept = (await miniflare.dispatchFetch('http://edge.test/healthz')).constructor as typeof Response
    await cache.put('https://edge.test/planted', new Kept(reversed(PROMPT_MARK), { headers }) as never)
    expect(await placesOf(`${PROMPT_MARK}, reversed`)).toContainEqual(expect.stringMatching(/^cache/))

    const planter = await miniflare.getWorker('planter')
    await planter.fetch('http://planter.test/', { method: 'POST', body: `said ${ANSWER_MARK}` })
    await expect.poll(() => placesOf(`${ANSWER_MARK}, plain`), WAIT).toContain('log')

    await watch.note(new Response('', { headers: { 'x-mesh-pool': percents(PROMPT_MARK) } }))
    expect(await placesOf(`${PROMPT_MARK}, percent escapes`)).toEqual(['said to clients'])
    await watch.note(new Response(escapes(PROMPT_MARK), { status: 400 }))
    expect(await placesOf(`${PROMPT_MARK}, JSON escapes`)).toEqual(['said to clients'])

    const pool = watch.pools['us-east']
    await (await fetch(`${pool.url}/v1/${ANSWER_MARK}`)).text()
    expect(await placesOf(`${ANSWER_MARK}, plain`)).toContain('sent to us-east')
    await (await fetch(pool.url, { headers: { 'x-a': Buffer.from(PROMPT_MARK).toString('hex') } })).text()
    expect(await placesOf(`${PROMPT_MARK}, hex`)).toEqual(['sent to us-east'])
  },
)

test('knows every form wherever it begins', () => {
  const forms = [...encodedForms(PROMPT_MARK), ...digestedForms(PROMPT_MARK)]
  for (const before of ['', 'a', 'ab', 'abc', 'abcd']) {
    const base64 = Buffer.from(`${before}${PROMPT_MARK}${before}`).toString('base64')
    expect(foundIn(haystack(base64), forms)).toEqual([`${PROMPT_MARK}, base64`])
  }
  const big = createHash('sha3-512').update(PROMPT_MARK).digest()
  expect(foundIn(haystack(big), forms)).toEqual([`${PROMPT_MARK}, sha3-512 in bytes`])
  // FNV-1a's vector of the empty text and of `a` (RFC 9923).
  expect(foundIn(haystack('xaf63dc4c8601ec8cx'), digestedForms('a'))).toEqual(['a, FNV-1a in hex'])
  // Nothing of it is in what only looks like it.
  expect(foundIn(haystack(PROMPT_MARK.slice(1) + PROMPT_MARK.slice(0, -1)), forms)).toEqual([])
})

/** Where the form was found. */
async function placesOf(form: string): Promise<string[]> {
  const { found } = await watch.search()
  return found.filter((each) => each.endsWith(`: ${form}`)).map((each) => each.slice(0, -form.length - 2))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join('')
}

function percents(text: string): string {
  return Array.from(text)
    .map((letter) => `%${letter.charCodeAt(0).toString(16)}`)
    .join('')
}

function escapes(text: string): string {
  return Array.from(text)
    .map((letter) => String.raw`\u00${letter.charCodeAt(0).toString(16)}`)
    .join('')
}
