/**
 * `npm run bench:serve`: how many answers a second a node of `npm run serve` passes on, against a workerd that does nothing else.
 * All ways are measured in turn, several times over, so that what else the machine does strikes all of them; prints markdown.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEngine } from '../local/engine/start-engine.ts'
import { startBareRelay } from './bare-relay.ts'
import { markdownTable, shown } from './markdown-table.ts'
import { childNamed, watching } from './process-usage.ts'
import { startServedNode, type ServedNode } from './served-node.ts'
import { quantile } from './statistics.ts'
import { bodyOf, freshPrompt, LONG } from './story.ts'
import { timed, type TimedRequest } from './timed-request.ts'

interface Way {
  readonly what: string
  readonly workerd: number
  readonly request: () => TimedRequest
}

interface Sample {
  readonly answersPerSecond: number
  /** Of workerd, per answer. */
  readonly cpuMs: number
}

const CONNECTIONS = 16
/** What the others are divided by. */
const BASE = 'a bare workerd, in JavaScript'

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const { rounds, seconds } = values.quick ? { rounds: 1, seconds: 1 } : { rounds: 5, seconds: 3 }

const dir = await mkdtemp(path.join(tmpdir(), 'warmpath-bench-'))
const engine = await startEngine({ port: 0, servedModelNames: ['story-8b'], maxNumSeqs: 512 })
const bare = await startBareRelay(dir, engine.port)
const bareProcess = await childNamed('workerd')
const node = await startServedNode(path.join(dir, 'data'), engine.port)
try {
  const before = load()
  const table = await measure(waysOf(node))
  console.log(
    `${availableParallelism()} cores, Node ${process.versions.node}, load ${before} when it began, ${load()} at the end. ` +
      `Answers of ${LONG} tokens from a pool that takes no time, ${CONNECTIONS} at once; medians of ${rounds} rounds of ${seconds} s.\n`,
  )
  console.log(table)
} finally {
  await node.stop()
  bare.kill()
  await engine.close()
  await rm(dir, { recursive: true, force: true })
}
// Connections that are kept alive would keep the process.
process.exit(0)

function waysOf({ url, key, workerd }: ServedNode): readonly Way[] {
  const known = freshPrompt()
  const toBare = (how: string) => (): TimedRequest => ({
    url: `http://127.0.0.1:${bare.port}/${how}`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf('story-8b', { prompt: freshPrompt(), tokens: LONG }),
  })
  const toNode = (prompt: () => string, headers: Readonly<Record<string, string>>) => (): TimedRequest => ({
    url: `${url}/v1/chat/completions`,
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: bodyOf('story', { prompt: prompt(), tokens: LONG }),
  })
  return [
    { what: 'a bare workerd, natively', workerd: bareProcess, request: toBare('native') },
    { what: BASE, workerd: bareProcess, request: toBare('javascript') },
    { what: 'serve, private miss', workerd, request: toNode(freshPrompt, { 'x-mesh-cache': 'off' }) },
    { what: 'serve, shared miss', workerd, request: toNode(freshPrompt, {}) },
    { what: 'serve, hit', workerd, request: toNode(() => known, {}) },
  ]
}

async function measure(ways: readonly Way[]): Promise<string> {
  const samples = new Map<string, Sample[]>(ways.map(({ what }) => [what, []]))
  // Code is compiled when it has run for a while.
  for (const way of ways) await answersWithin(way, seconds)
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ways) {
      const { result, cpuMs } = await watching(way.workerd, () => answersWithin(way, seconds))
      samples.get(way.what)?.push({
        answersPerSecond: result.answers / result.seconds,
        cpuMs: cpuMs / result.answers,
      })
    }
  }
  const medians = [...samples].map(([what, all]) => ({
    what,
    answersPerSecond: median(all.map(({ answersPerSecond }) => answersPerSecond)),
    cpuMs: median(all.map(({ cpuMs }) => cpuMs)),
  }))
  const base = medians.find(({ what }) => what === BASE)
  return markdownTable(
    ['what', 'answers/s', 'of the bare one', 'CPU ms each', 'of the bare one'],
    medians.map(({ what, answersPerSecond, cpuMs }) => [
      what,
      shown(answersPerSecond),
      shown(answersPerSecond / (base?.answersPerSecond ?? 0)),
      shown(cpuMs),
      shown(cpuMs / (base?.cpuMs ?? 0)),
    ]),
  )
}

/** Each connection asks again when it has its answer. */
async function answersWithin({ request }: Way, forSeconds: number) {
  const startedAt = performance.now()
  const endsAt = startedAt + forSeconds * 1000
  let answers = 0
  async function askOn(): Promise<void> {
    while (performance.now() < endsAt) {
      await timed(request())
      answers += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, askOn))
  return { answers, seconds: (performance.now() - startedAt) / 1000 }
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
}
