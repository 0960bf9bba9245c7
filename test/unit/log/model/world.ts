/** A log, what makes it and those who read it, as a shard has them; every step is checked against the story. */
import { expect } from 'vitest'
import { beginningOf } from '../../../../shared/log/beginning.ts'
import { createGenerationLog, restoreGenerationLog } from '../../../../shared/log/generation-log.ts'
import type { GenerationLog, LogEntry } from '../../../../shared/log/generation-log.ts'
import { cutAt } from '../../../../shared/log/length-cut.ts'
import { readOn } from '../../../../shared/log/read-on.ts'
import type { LogPiece } from '../../../../shared/log/read-on.ts'
import { readLog } from '../../../../shared/log/reading.ts'
import type { LogReading } from '../../../../shared/log/reading.ts'
import { createSeam } from '../../../../shared/log/seam.ts'
import type { Seam } from '../../../../shared/log/seam.ts'
import type { Surface } from '../../../../shared/log/frame.ts'
import { checkCanon, checkRead, checkSize } from './checks.ts'
import { eventsOf } from './pool-run.ts'
import type { PoolEvent, PoolStyle } from './pool-run.ts'
import { tokensOf } from './story.ts'
import type { Story } from './story.ts'

export interface ModelReader {
  readonly limit: number | undefined
  readonly reading: LogReading
  events: number
  seen: LogEntry[]
  /** The log ended before this reader's end, and another pool may go on. */
  waitsForMore: boolean
  /** How it ended; absent while it reads. */
  end?: LogPiece['after'] | 'ahead' | 'refused'
}

export interface World {
  readonly story: Story
  readonly surface: Surface
  readonly mayCut: boolean
  log: GenerationLog
  /** What the pool has still to say; absent when none is at it. */
  coming: PoolEvent[] | undefined
  seam: Seam | undefined
  readonly readers: ModelReader[]
  /** The events of each limit's readers, wherever one of them has read to. */
  readonly canon: Map<number | undefined, LogEntry[]>
  /** What has happened, so that a test can see that it did. */
  readonly happened: Map<string, number>
}

export interface Wish {
  readonly limit: number | undefined
  readonly canContinue: boolean
}

const LIFE = { model: 'm', modelVersion: '1', createdAtMs: 0, expiresAtMs: 60_000 }
const EVERYTHING = 1_000_000

/** Begins with the reader for whom the log is made. */
export function createWorld(about: {
  readonly story: Story
  readonly surface: Surface
  readonly mayCut: boolean
  readonly limit: number | undefined
  readonly style: PoolStyle
}): World {
  const { story, surface, mayCut, limit, style } = about
  const world: World = {
    story,
    surface,
    mayCut,
    log: createGenerationLog(surface, limit),
    coming: eventsOf({ surface, story, style, ...(limit === undefined ? {} : { limit }) }),
    seam: undefined,
    readers: [],
    canon: new Map(),
    happened: new Map(),
  }
  join(world, { limit, canContinue: true })
  return world
}

export function produce(world: World, events: number): void {
  const { log, seam, coming } = world
  if (coming === undefined) return
  for (const { frame, usage } of coming.splice(0, events)) {
    const joined = frame === undefined || seam === undefined ? frame : seam.join(frame)
    if (joined !== undefined) log.append(joined)
    const counted = usage === undefined || seam === undefined ? usage : seam.count(usage)
    if (counted !== undefined) log.count(counted)
  }
  if (coming.length > 0) return
  world.coming = undefined
  log.seal()
}

/** The pool dies. */
export function die(world: World): void {
  if (world.coming === undefined) return
  world.coming = undefined
  world.log.break()
}

/** The shard restarts from what it has written: all, or with this many events. */
export function restart(world: World, keep: number | undefined): void {
  const { log } = world
  if (log.firstKept > 0) return
  const summary = log.summary()
  const entries = Array.from({ length: log.length }, (_, index) => log.entry(index)).filter(
    (each) => each !== undefined,
  )
  const isWhole = keep === undefined || keep >= entries.length
  const state = summary.state === 'sealed' && isWhole ? 'sealed' : 'broken'
  const kept = { summary: { ...summary, state }, entries: entries.slice(0, keep) }
  world.coming = undefined
  world.log = restoreGenerationLog(JSON.parse(JSON.stringify(kept)))
  for (const [limit, canon] of world.canon) {
    if (!isWhole) world.canon.set(limit, canon.slice(0, keep))
  }
  for (const reader of world.readers) {
    if (!isWhole && reader.events > kept.entries.length) reader.end = 'ahead'
  }
  checkSize(world)
}

export function drop(world: World, share: number): void {
  world.log.drop(Math.floor(world.log.length * share))
  checkSize(world)
}

export function join(world: World, { limit, canContinue }: Wish): void {
  const { log, mayCut } = world
  const reading = readLog(log, LIFE, {
    ...(limit === undefined ? {} : { limit }),
    allowedPools: new Set(),
    nowMs: 1,
    refresh: false,
    mayCut,
    canContinue,
    takesStitched: true,
    distrusted: [],
  })
  note(world, `joined: ${reading}`)
  const reader: ModelReader = { limit, reading, events: 0, seen: [], waitsForMore: false }
  // What it would get of what is there now.
  const alone = { ...reader, seen: [] }
  readAll({ ...world, happened: new Map() }, alone)
  const isByCount = cutAt(log, limit) !== undefined && log.lengthEnds.every((end) => end.limit !== limit)
  if (reading === 'hit') expect(alone.end).toBe('whole')
  else if (alone.end === 'whole' && log.firstKept === 0) expect(isByCount && !mayCut).toBe(true)
  if (log.firstKept > 0) expect(reading).toBe('miss')
  if (reading === 'coalesced') {
    expect(log.state).toBe('open')
    expect(limit === log.asked || canContinue).toBe(true)
  }
  if (reading === 'extended') {
    expect(canContinue && log.state !== 'open').toBe(true)
    if (log.state === 'sealed') expect(limit).toBeGreaterThan(log.asked ?? Infinity)
  }
  if (reading !== 'miss') world.readers.push(reader)
}

/** What the reader gets next, in a piece of this size. */
export function read(world: World, reader: ModelReader, maxCharacters: number): void {
  if (reader.end !== undefined) return
  const { log } = world
  const { limit, events } = reader
  const piece = readOn(log, { events, ...(limit === undefined ? {} : { limit }) }, maxCharacters)
  const { entries, after } = piece
  expect(piece.events).toBe(events + entries.length)
  if (entries.length > 1) {
    expect(entries.reduce((sum, { members }) => sum + members.length, 0)).toBeLessThanOrEqual(maxCharacters)
  }
  checkCanon(world, reader, entries)
  reader.events = piece.events
  reader.seen = [...reader.seen, ...entries]
  reader.waitsForMore = after === 'short' || (after === 'broken' && reader.reading === 'extended')
  if (after !== 'more' && after !== 'wait' && !reader.waitsForMore) reader.end = after
  note(world, `read: ${after}`)
  checkRead(world, reader, piece)
}

/** It comes back to where it was so many events ago. */
export function resume(reader: ModelReader, back: number): void {
  // Of what a restart lost, what comes instead has other events.
  if (reader.end === 'ahead' || reader.end === 'refused') return
  reader.events = Math.max(0, reader.events - back)
  reader.seen = reader.seen.slice(0, reader.events)
  delete reader.end
}

/** Another pool goes on, for the reader who wants most. */
export function extend(world: World, style: PoolStyle): void {
  const { log, story, surface } = world
  const attached = world.readers.filter(({ end }) => end === undefined)
  if (log.state === 'open' || !attached.some(({ waitsForMore }) => waitsForMore)) return
  const limits = attached.map(({ limit }) => limit)
  const most = limits.includes(undefined)
    ? undefined
    : Math.max(...limits.filter((limit) => limit !== undefined))
  const begun = beginningOf(log)
  const left = most === undefined || begun?.tokens === undefined ? undefined : most - begun.tokens
  const isPossible = begun !== undefined && (most === undefined) === (left === undefined)
  if (!isPossible || tokensOf(story, begun.text) >= story.context) {
    for (const reader of attached) if (reader.waitsForMore) reader.end = 'refused'
    return note(world, 'extended: refused')
  }
  expect(begun.tokens ?? tokensOf(story, begun.text)).toBe(tokensOf(story, begun.text))
  if (left !== undefined) expect(left).toBeGreaterThan(0)
  const before = log.usage
  log.reopen(most)
  world.seam = createSeam(surface, begun, before)
  world.coming = eventsOf({ surface, story, style, begun, ...(left === undefined ? {} : { limit: left }) })
  for (const reader of attached) reader.waitsForMore = false
  note(world, 'extended')
  checkSize(world)
}

/** Everything that is there for this reader. */
export function readAll(world: World, reader: ModelReader): void {
  let before = -1
  while (reader.end === undefined && reader.events > before) {
    before = reader.events
    read(world, reader, EVERYTHING)
  }
}

export function note({ happened }: World, what: string): void {
  happened.set(what, (happened.get(what) ?? 0) + 1)
}
