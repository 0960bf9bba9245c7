/** How long a known answer takes from each place that may have it, and a run that is read on. */
import { setTimeout as wait } from 'node:timers/promises'
import type { BenchMesh, Colo } from './bench-mesh.ts'
import { freshPrompt, LONG, toEdge, toRun, type Story } from './story.ts'
import { timed, type TimedAnswer } from './timed-request.ts'

/** Samples in milliseconds, by what was measured. */
export type Samples = ReadonlyMap<string, readonly number[]>

const KV_WITHIN_MS = 10_000
const POLL_MS = 50
/** Events that a reader has had when it comes back. */
const HAD = LONG / 2

/**
 * Which request of an answer is served from where follows from the order of the steps; see where each begins. Uses up what
 * may be copied to KV.
 */
export async function measureHits(mesh: BenchMesh, answers: number): Promise<Samples> {
  const samples = new Map<string, number[]>()
  const restricted = { authorization: `Bearer ${mesh.restrictedKey}` }

  function note(what: string, answer: TimedAnswer): void {
    for (const [part, ms] of [
      ['first byte', answer.firstByteMs],
      ['end', answer.endMs],
    ] as const) {
      const name = `${what}, ${part}`
      samples.set(name, [...(samples.get(name) ?? []), ms])
    }
  }

  /** Leaves logs in a shard, and nothing anywhere else. */
  async function made(headers: Readonly<Record<string, string>> = {}): Promise<readonly Story[]> {
    const stories = Array.from({ length: answers }, () => ({ prompt: freshPrompt(), tokens: LONG }))
    await Promise.all(stories.map((story) => timed(toEdge(mesh, 'FRA', story, headers))))
    return stories
  }

  async function hits(
    what: string | undefined,
    stories: readonly Story[],
    colo: Colo,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<readonly TimedAnswer[]> {
    const measured: TimedAnswer[] = []
    for (const story of stories) {
      const answer = await timed(toEdge(mesh, colo, story, headers))
      expectWord(answer, 'hit')
      if (what !== undefined) note(what, answer)
      measured.push(answer)
    }
    return measured
  }

  const stories = await made()
  await mesh.restartShards()
  await hits('hit from the shard’s database', stories, 'AMS')
  // The second time that a shard replays it, it is copied to KV.
  await hits(undefined, stories, 'FRA')
  await untilInKv(mesh, answers)
  // What an isolate has read whole from a shard it keeps.
  const known = await hits('hit from the isolate’s memory', stories, 'FRA')
  // Isolates and regions that have had nothing to do with it. Their shards would begin to make it, and a pool as fast as
  // ours has its first token before KV has answered a first read: here it is the read that is measured.
  for (const colo of ['SIN', 'IAD'] as const) {
    await hits('hit from KV', stories, colo, { 'x-mesh-cache': 'only' })
  }
  await hits('hit from the shard’s memory', await made(), 'FRA')
  const theirs = await made(restricted)
  await hits('the same of a restricted tenant (KV is not asked)', theirs, 'FRA', restricted)

  const runs = known.map(({ headers }) => String(headers['x-mesh-run']))
  for (const run of runs) note('resume in the same region', await timed(toRun(mesh, 'AMS', run, HAD)))
  for (const run of runs) note('resume in another region', await timed(toRun(mesh, 'IAD', run, HAD)))
  return samples
}

async function untilInKv(mesh: BenchMesh, answers: number): Promise<void> {
  const deadline = performance.now() + KV_WITHIN_MS
  while ((await mesh.answersInKv()) < answers) {
    if (performance.now() > deadline) throw new Error('the answers were not copied to KV')
    await wait(POLL_MS)
  }
}

/** A figure of one thing must not be one of another. */
export function expectWord({ headers }: TimedAnswer, word: string): void {
  if (headers['x-mesh-cache'] === word) return
  throw new Error(`expected a ${word}, and not: ${String(headers['cache-status'])}`)
}
