/** A node on one's own machine: it answers, keeps what it has sealed over a restart, and ends without cutting anybody off. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startEngine, type Engine } from '../../tools/local/engine/start-engine.ts'
import { ownAddress, startPrivatePool, type PrivatePool } from './private-pools.ts'
import { ask, configFor, KEY, SECRETS, startNode, type RunningNode } from './running-node.ts'

const STREAMS = 50
/** Two starts and a hundred answers, on a machine that does other things too. */
const LONG_MS = 120_000
const ANSWER = { temperature: 0, max_tokens: 8, ignore_eos: true }

const host = ownAddress()
if (host === undefined) console.log('Left out, because this machine is on no network: a node with pools')

let quick: Engine
beforeAll(async () => {
  quick = await startEngine({ port: 0, servedModelNames: ['story-8b'], maxNumSeqs: STREAMS })
})
afterAll(() => quick.close())

describe.skipIf(host === undefined)('a node with two pools', () => {
  let dir = ''
  let pools: PrivatePool[] = []
  let node: RunningNode

  const start = (...flags: string[]): Promise<RunningNode> =>
    startNode(['--config', path.join(dir, 'mesh.toml'), '--data', path.join(dir, 'data'), ...flags])

  async function stop(running: RunningNode): Promise<void> {
    running.kill('SIGTERM')
    expect(await running.ended, running.printed()).toBe(0)
  }

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'warmpath-serve-'))
    pools = await Promise.all(
      [0, 1].map(() => startPrivatePool(host ?? '', { interTokenLatencyMs: 20, maxNumSeqs: 2 * STREAMS })),
    )
    await writeFile(path.join(dir, 'mesh.toml'), configFor([pools[0]?.url ?? '', pools[1]?.url ?? '']))
    node = await start('--notice-seconds', '0')
  })

  afterAll(async () => {
    node.kill('SIGTERM')
    await node.ended
    await Promise.all(pools.map((pool) => pool.close()))
    await rm(dir, { recursive: true, force: true })
  })

  test('a request arrives where the node stands, whatever it says of itself', async () => {
    const answer = await ask(
      node,
      'Where am I?',
      { max_tokens: 4 },
      {
        'x-mesh-dev-colo': 'IAD',
        'cf-ipcountry': 'US',
        'cf-blob': '{"colo":"IAD","country":"US"}',
      },
    )
    expect(answer.status, await answer.text()).toBe(200)
    expect(answer.headers.get('x-mesh-pool')).toBe('eu-central')
    const requestId = answer.headers.get('x-request-id') ?? 'none'
    await vi.waitFor(() => expect(node.printed()).toContain(requestId))
    const line = node
      .printed()
      .split('\n')
      .find((text) => text.includes(requestId))
    expect(JSON.parse(line ?? '')).toMatchObject({ colo: 'FRA', edge_region: 'eu-central', status: 200 })
  })

  test('what was sealed is a hit, also after a restart', async () => {
    const first = await ask(node, 'Sealed?', ANSWER)
    const text = await first.text()
    expect(first.headers.get('x-mesh-cache')).toBe('miss')
    await expect
      .poll(async () => {
        const again = await ask(node, 'Sealed?', ANSWER)
        await again.text()
        return again.headers.get('x-mesh-cache')
      })
      .toBe('hit')

    await stop(node)
    node = await start('--notice-seconds', '0')
    const after = await ask(node, 'Sealed?', ANSWER)
    expect(after.headers.get('x-mesh-cache')).toBe('hit')
    expect(contentOf(await after.text())).toBe(contentOf(text))
  })

  test('only the owner can read what is stored, and no file holds a secret', async () => {
    expect((await stat(path.join(dir, 'data'))).mode & 0o777).toBe(0o700)
    const files = await readdir(path.join(dir, 'data'), { recursive: true, withFileTypes: true })
    const contents = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(path.join(file.parentPath, file.name))),
    )
    expect(contents.some((content) => content.includes('MESH_ADMIN_TOKEN'))).toBe(true)
    const secrets = [...Object.values(SECRETS), KEY]
    expect(secrets.filter((secret) => contents.some((content) => content.includes(secret)))).toEqual([])
  })

  test('told to end, it is not ready at once and lets every stream come to its end', async () => {
    const draining = await start('--data', path.join(dir, 'draining'), '--notice-seconds', '1')
    expect((await fetch(`${draining.url}/readyz`)).status).toBe(200)
    const streams = beginStreams(draining, 60)
    await Promise.all(streams.map(({ opened }) => opened))
    draining.kill('SIGTERM')
    await expect
      .poll(async () => (await fetch(`${draining.url}/readyz`)).status, { interval: 20, timeout: 900 })
      .toBe(503)
    const ends = await Promise.all(streams.map(({ end }) => end))
    expect(ends.filter(({ isWhole }) => isWhole)).toHaveLength(STREAMS)
    expect(await draining.ended).toBe(0)
    await expect(fetch(`${draining.url}/readyz`)).rejects.toThrow()
  })

  test(
    'every stream is whole, or breaks visibly and goes on after the restart from what was stored',
    async () => {
      await stop(node)
      // A log is written every two seconds while it is made.
      node = await start('--notice-seconds', '0', '--drain-seconds', '4')
      const streams = [...beginStreams(node, 30, STREAMS / 2), ...beginStreams(node, 300, STREAMS / 2)]
      await Promise.all(streams.map(({ opened }) => opened))
      node.kill('SIGTERM')
      const ends = await Promise.all(streams.map(({ end }) => end))
      expect(await node.ended).toBe(0)
      // No end mark, and a connection that did not end as HTTP says it must: no client takes this for an answer.
      const cut = ends.filter(({ isWhole }) => !isWhole)
      expect(cut.filter(({ isBroken }) => isBroken)).toHaveLength(cut.length)
      expect(cut.length).toBeGreaterThanOrEqual(STREAMS / 2)

      node = await start('--notice-seconds', '0')
      const expected = await Promise.all(ends.map(({ asked }) => undisturbed(asked)))
      const stored = await Promise.all(cut.map(({ run }) => readRun(node, run)))
      for (const text of stored) expect(text).toContain('"code":"stream_truncated"')
      const again = await Promise.all(cut.map(({ asked }) => askAgain(node, asked)))
      expect(new Set(again.map(({ cache }) => cache))).toEqual(new Set(['extended']))
      // What was read, what was stored and what came at last are of one text each.
      const texts = [...ends.filter(({ isWhole }) => isWhole), ...again].map(({ text }) => contentOf(text))
      expect(texts.toSorted()).toEqual(expected.toSorted())
      for (const [index, { text }] of again.entries()) {
        const whole = contentOf(text)
        expect(whole.startsWith(contentOf(cut[index]?.text ?? ''))).toBe(true)
        const beginning = contentOf(stored[index] ?? '')
        expect([whole.startsWith(beginning), beginning.length > 0]).toEqual([true, true])
      }
    },
    LONG_MS,
  )
})

interface Asked {
  readonly content: string
  readonly [field: string]: unknown
}

interface StreamEnd {
  readonly run: string | null
  readonly asked: Asked
  readonly isWhole: boolean
  readonly isBroken: boolean
  readonly text: string
}

function beginStreams(node: RunningNode, tokens: number, count = STREAMS) {
  return Array.from({ length: count }, (_, index) => {
    const asked: Asked = { ...ANSWER, content: `Stream ${tokens}/${index}`, stream: true, max_tokens: tokens }
    const { content, ...body } = asked
    const response = ask(node, content, body, { 'x-mesh-resumable': 'true' })
    return { opened: response, end: response.then((answer) => readToEnd(answer, asked)) }
  })
}

async function readToEnd(response: Response, asked: Asked): Promise<StreamEnd> {
  const run = response.headers.get('x-mesh-run')
  const decoder = new TextDecoder()
  let text = ''
  let isBroken = false
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  } catch {
    isBroken = true
  }
  return { run, asked, text, isBroken, isWhole: response.status === 200 && text.endsWith('data: [DONE]\n\n') }
}

/** What there is of a run. */
async function readRun(node: RunningNode, run: string | null): Promise<string> {
  const response = await fetch(`${node.url}/v1/generations/${run}`, {
    headers: { authorization: `Bearer ${KEY}` },
  })
  expect(response.status).toBe(200)
  return response.text()
}

async function askAgain(node: RunningNode, { content, ...body }: Asked) {
  const response = await ask(node, content, body)
  return { cache: response.headers.get('x-mesh-cache'), text: await response.text() }
}

/** What an engine writes that nothing happens to, and that takes no time. */
async function undisturbed({ content, ...body }: Asked): Promise<string> {
  const answer = await fetch(`${quick.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, model: 'story-8b', messages: [{ role: 'user', content }] }),
  })
  return contentOf(await answer.text())
}

/** What a stream, or an answer as one JSON, says. */
function contentOf(answer: string): string {
  return [...answer.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)]
    .map(([, text]) => String(JSON.parse(text ?? '""')))
    .join('')
}
