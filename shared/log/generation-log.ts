/**
 * The log of one generation, as a state machine: events in order, and whether more will come. A cached answer, one that is
 * joined, resumed, finished by another pool or asked for at greater length are all readings of it (see reading.ts, read-on.ts).
 *
 *     open ── seal ──▶ sealed ── reopen ──▶ open      only a log that ended by its token limit is reopened
 *     open ── break ─▶ broken ── reopen ──▶ open      only one whose text another pool can go on from
 *
 * Readers hold a position in it, not a copy of it: however many there are and wherever they stand, it is kept once.
 */
import type { Frame, Surface, Usage } from './frame.ts'

export type LogState = 'open' | 'sealed' | 'broken'

/** One event of the log: what a reader gets as one `data:` event. */
export interface LogEntry {
  /** As in a frame. */
  readonly members: string
  /** Tokens generated up to and with this event, where that is known. */
  readonly tokens?: number
  /** The finish reason in it, if there is one. */
  readonly finish?: string
}

/**
 * Where the log once ended by its limit and was then reopened: a reader with just that limit still gets its end, and not
 * what came after.
 */
export interface LengthEnd {
  readonly limit: number
  /** Events before the end. */
  readonly events: number
  /** The events with the finish reason, as they were sent. */
  readonly finish: readonly LogEntry[]
  readonly usage?: Usage
}

/** Who made a part of it. */
export interface Producer {
  readonly pool: string
  readonly region: string
  readonly jurisdiction: string
  /** When its part began to be made, milliseconds since the epoch. */
  readonly atMs?: number
}

/** Everything a log knows but its events: what is kept beside them. */
export interface LogSummary {
  readonly surface: Surface
  readonly state: LogState
  /** The token limit it was last produced under; absent if there was none. */
  readonly asked?: number
  /** The finish reason when sealed; `length` if any choice ended by its limit. */
  readonly finish?: string
  /** The counts last stated. */
  readonly usage?: Usage
  readonly producers: readonly Producer[]
  readonly lengthEnds: readonly LengthEnd[]
  /** Whether there is nothing but text of one choice in it: that is what another pool can go on from. */
  readonly isPlain: boolean
}

export interface GenerationLog {
  readonly surface: Surface
  readonly state: LogState
  readonly asked: number | undefined
  readonly finish: string | undefined
  readonly usage: Usage | undefined
  readonly producers: readonly Producer[]
  readonly lengthEnds: readonly LengthEnd[]
  readonly isPlain: boolean
  /** All of these as plain data. */
  summary(): LogSummary
  /** Events there are, those that were dropped included. */
  readonly length: number
  /** Characters of the events that are kept. */
  readonly size: number
  /** The first event that is kept: 0 until `drop`. */
  readonly firstKept: number
  /** Undefined for one that is not there, or no longer. */
  entry(index: number): LogEntry | undefined
  /** The first event with this count of tokens, if a pool stated just this one. */
  entryWithTokens(tokens: number): number | undefined
  /** Tokens generated for all that is there; undefined where the last events that say something state no count. */
  readonly tokens: number | undefined
  /** Whether it counts, and every count so far was the one before plus one: no limit can be jumped over unseen. */
  readonly countsEveryToken: boolean
  /** Whether it is whole and its limit, not the pool, ended it: a larger one would have given more. */
  readonly endedByLimit: boolean
  /** Adds an event. @throws on a log that is not open */
  append(frame: Frame): void
  /** Keeps the counts last stated. */
  count(usage: Usage): void
  /** A pool has taken over (the first one too). */
  producedBy(producer: Producer): void
  /** Ends it, whole. @throws on a log that is not open, or without a finish reason */
  seal(): void
  /** Ends it: its producer is lost. @throws on a log that is not open */
  break(): void
  /**
   * Goes on under another limit (none: undefined) where it ended. What finished it is taken out of it and kept as a
   * length end. @throws on a log that is open, has ended by itself, or whose end was dropped
   */
  reopen(limit: number | undefined): void
  /** Forgets the events before this one. What was dropped can be read by nobody, and the log cannot be stored. */
  drop(before: number): void
}

/** Makes an open, empty log. `asked` is the limit it is produced under. */
export function createGenerationLog(surface: Surface, asked?: number): GenerationLog {
  return restoreGenerationLog({
    summary: {
      surface,
      state: 'open',
      producers: [],
      lengthEnds: [],
      isPlain: true,
      ...(asked === undefined ? {} : { asked }),
    },
    entries: [],
  })
}

/** Makes a log of what was kept of one. */
export function restoreGenerationLog(kept: {
  readonly summary: LogSummary
  readonly entries: readonly LogEntry[]
}): GenerationLog {
  const { surface } = kept.summary
  const entries: LogEntry[] = []
  const byTokens = new Map<number, number>()
  let { state, asked, usage, isPlain } = kept.summary
  // What is there of a log that was not whole may end before its finish, and before an end it once had.
  let finish = state === 'sealed' ? kept.summary.finish : undefined
  let producers = [...kept.summary.producers]
  const lengthEnds = kept.summary.lengthEnds.filter(({ events }) => events <= kept.entries.length)
  let firstKept = 0
  let size = 0
  let tokens: number | undefined = 0
  /** The count last known. */
  let counted = 0
  let countsEveryToken = true
  let isUsageCurrent = true
  for (const entry of kept.entries) push(entry)

  function push(entry: LogEntry): void {
    entries.push(entry)
    size += entry.members.length
    if (entry.finish !== undefined && finish !== 'length') finish = entry.finish
    const isCounted = entry.tokens !== tokens
    tokens = entry.tokens
    if (tokens === undefined || !isCounted) return
    countsEveryToken &&= tokens <= counted + 1
    counted = tokens
    if (!byTokens.has(tokens)) byTokens.set(tokens, firstKept + entries.length - 1)
  }

  /** If it ended below its limit, the pool's own bound was lower. */
  function isEndedByLimit(): boolean {
    return state === 'sealed' && finish === 'length' && asked !== undefined && (tokens ?? asked) >= asked
  }

  function mustBeOpen(): void {
    if (state !== 'open') throw new Error('a log that has ended takes nothing more')
  }

  /** Takes the finish out, and keeps it for readers with just this limit. */
  function takeOutFinish(limit: number): void {
    const at = entries.findIndex((entry) => entry.finish !== undefined)
    if (at === -1) throw new Error('the end of the log was dropped')
    const finishing = entries.splice(at)
    lengthEnds.push({
      limit,
      events: firstKept + at,
      finish: finishing,
      ...(usage === undefined ? {} : { usage }),
    })
    for (const { members, tokens: count } of finishing) {
      size -= members.length
      if (count !== undefined && (byTokens.get(count) ?? -1) >= firstKept + at) byTokens.delete(count)
    }
    finish = undefined
    tokens = firstKept + at === 0 ? 0 : entries[at - 1]?.tokens
    counted = tokens ?? counted
    const [first] = finishing
    const rest = first === undefined ? undefined : withoutFinish(first.members)
    if (rest === undefined) return
    push({ members: rest, ...(first?.tokens === undefined ? {} : { tokens: first.tokens }) })
  }

  return {
    surface,
    get state() {
      return state
    },
    get asked() {
      return asked
    },
    get finish() {
      return finish
    },
    get usage() {
      return usage
    },
    get producers() {
      return producers
    },
    lengthEnds,
    get isPlain() {
      return isPlain
    },
    summary: () => ({
      surface,
      state,
      producers,
      lengthEnds: [...lengthEnds],
      isPlain,
      ...(asked === undefined ? {} : { asked }),
      ...(finish === undefined ? {} : { finish }),
      ...(usage === undefined ? {} : { usage }),
    }),
    get length() {
      return firstKept + entries.length
    },
    get size() {
      return size
    },
    get firstKept() {
      return firstKept
    },
    entry: (index) => entries[index - firstKept],
    entryWithTokens: (count) => byTokens.get(count),
    get tokens() {
      return tokens
    },
    get countsEveryToken() {
      return countsEveryToken && tokens !== undefined && tokens > 0
    },
    get endedByLimit() {
      return isEndedByLimit()
    },
    append({ members, completionTokens, finishes, text, hasContent }) {
      mustBeOpen()
      isPlain &&= text !== undefined
      const reason = finishes.find((each) => each.reason === 'length')?.reason ?? finishes[0]?.reason
      isUsageCurrent &&= !hasContent && reason === undefined
      // What adds nothing, such as a role, is no token that was not counted; what ends it may be one.
      const count = completionTokens ?? (hasContent || reason !== undefined ? undefined : tokens)
      push({
        members,
        ...(count === undefined ? {} : { tokens: count }),
        ...(reason === undefined ? {} : { finish: reason }),
      })
    },
    count(stated) {
      usage = stated
      isUsageCurrent = true
    },
    producedBy(producer) {
      if (!producers.some(({ pool }) => pool === producer.pool)) producers = [...producers, producer]
    },
    seal() {
      mustBeOpen()
      if (finish === undefined) throw new Error('a log is whole only with a finish reason')
      state = 'sealed'
      // Running counts of a beginning are not those of the whole.
      if (!isUsageCurrent) usage = undefined
    },
    break() {
      mustBeOpen()
      state = 'broken'
    },
    reopen(limit) {
      if (state === 'open') throw new Error('the log is open')
      if (state === 'sealed') {
        if (!isEndedByLimit() || asked === undefined) throw new Error('the log has ended by itself')
        takeOutFinish(asked)
      } else if (finish !== undefined) {
        throw new Error('the log has ended by itself')
      }
      asked = limit
      state = 'open'
    },
    drop(before) {
      const dropped = entries.splice(0, Math.max(0, before - firstKept))
      for (const entry of dropped) size -= entry.members.length
      firstKept += dropped.length
    },
  }
}

/**
 * The members of a finishing event with its finish reason taken back, as if more was to come; undefined where nothing
 * is left. Only plain text is ever continued, so that re-serialising it loses nothing.
 */
function withoutFinish(members: string): string | undefined {
  // Members come from the ingest, which has parsed them.
  const event = JSON.parse(members) as { choices: { delta?: { content?: unknown }; text?: unknown }[] }
  const [choice] = event.choices
  const text = choice?.delta?.content ?? choice?.text
  if (typeof text !== 'string' || text === '') return undefined
  const { stop_reason: _stop, matched_stop: _matched, ...rest } = { ...choice } as Record<string, unknown>
  return JSON.stringify({ ...event, choices: [{ ...rest, finish_reason: null }] })
}
