/** A node on one's own machine: it answers, keeps what it has sealed over a restart, and ends without cutting anybody off. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ownAddress, startPrivatePool, type PrivatePool } from './private-pools.ts'
import { ask, configFor, KEY, SECRETS, startNode, type RunningNode } from './running-node.ts'

const STREAMS = 20
const ANSWER = { temperature: 0, max_tokens: 8, ignore_eos: true }

const host = ownAddress()
if (host === undefined) console.log('Left out, because this machine is on no network: a node with pools')

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

  test('streams that take too long break visibly, and the next start has what came of them', async () => {
    // A log is written every two seconds while it is made.
    const flags = ['--notice-seconds', '0', '--drain-seconds', '3']
    await stop(node)
    node = await start(...flags)
    const streams = beginStreams(node, 1000)
    await Promise.all(streams.map(({ opened }) => opened))
    node.kill('SIGTERM')
    const ends = await Promise.all(streams.map(({ end }) => end))
    // No end mark, and a connection that did not end as HTTP says it must: no client takes this for an answer.
    expect(ends.filter(({ isWhole, isBroken }) => !isWhole && isBroken)).toHaveLength(STREAMS)
    expect(await node.ended).toBe(0)

    node = await start('--notice-seconds', '0')
    const [first] = ends
    const rest = await fetch(`${node.url}/v1/generations/${first?.run}`, {
      headers: { authorization: `Bearer ${KEY}` },
    })
    expect(rest.status).toBe(200)
    // Its beginning came to the same reader before; a pool goes on from there.
    const text = await firstEvents(rest, 5)
    expect(contentsOf(text).slice(0, 5)).toEqual(contentsOf(first?.text ?? '').slice(0, 5))
  })
})

interface StreamEnd {
  readonly run: string | null
  readonly isWhole: boolean
  readonly isBroken: boolean
  readonly text: string
}

function beginStreams(node: RunningNode, tokens: number) {
  return Array.from({ length: STREAMS }, (_, index) => {
    const body = { stream: true, temperature: 0, max_tokens: tokens, ignore_eos: true }
    const response = ask(node, `Stream ${tokens}/${index}`, body, { 'x-mesh-resumable': 'true' })
    return { opened: response, end: response.then(readToEnd) }
  })
}

async function readToEnd(response: Response): Promise<StreamEnd> {
  const run = response.headers.get('x-mesh-run')
  const decoder = new TextDecoder()
  let text = ''
  let isBroken = false
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  } catch {
    isBroken = true
  }
  return { run, text, isBroken, isWhole: response.status === 200 && text.endsWith('data: [DONE]\n\n') }
}

/** Reads so many events, and leaves. */
async function firstEvents(response: Response, count: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.split('\n\n').length > count + 2) break
  }
  return text
}

/** What each event of a stream adds to the answer. */
function contentsOf(stream: string): readonly string[] {
  return stream.split('\n\n').flatMap((event) => /"content":"([^"]+)"/.exec(event)?.[1] ?? [])
}

function contentOf(completion: string): unknown {
  const answer = JSON.parse(completion) as { choices: readonly { message: { content: string } }[] }
  return answer.choices[0]?.message.content
}
