import { expect, test } from 'vitest'
import type { LogReader, LogReading, LogSummary } from '../../../shared/log/reading.ts'
import { readLog } from '../../../shared/log/reading.ts'

/** A log of 40 tokens made under no limit, ten seconds ago. */
const log: LogSummary = {
  state: 'sealed',
  finish: 'stop',
  completionTokens: 40,
  pool: 'eu-1',
  modelVersion: '1',
  createdAtMs: 0,
  expiresAtMs: 60_000,
}
const reader: LogReader = { allowedPools: new Set(['eu-1', 'us-1']), nowMs: 10_000, refresh: false }
const { completionTokens: _tokens, ...uncounted } = log
const cut: LogSummary = { ...log, asked: 40, finish: 'length' }
const open: LogSummary = { ...uncounted, state: 'open' }

test.each<[string, LogSummary | undefined, Partial<LogReader>, LogReading]>([
  ['no log', undefined, {}, 'miss'],
  ['sealed, neither has a limit', log, {}, 'hit'],
  ['sealed under the same limit by itself', { ...log, asked: 50 }, { limit: 50 }, 'hit'],
  ['sealed under the same limit by that limit', cut, { limit: 40 }, 'hit'],
  ['sealed under the same limit without a count', { ...uncounted, asked: 50 }, { limit: 50 }, 'hit'],
  ['ended by itself within a larger limit', log, { limit: 41 }, 'hit'],
  ['ended by itself at exactly the limit', log, { limit: 40 }, 'hit'],
  ['ended by itself beyond the limit', log, { limit: 39 }, 'miss'],
  ['ended by itself, no count, a limit', uncounted, { limit: 1000 }, 'miss'],
  ['ended by itself under a limit, reader has none', { ...log, asked: 50 }, {}, 'hit'],
  ['ended by itself under a limit, reader has a smaller one', { ...log, asked: 50 }, { limit: 45 }, 'hit'],
  ['ended by a tool call within the limit', { ...log, finish: 'tool_calls' }, { limit: 99 }, 'hit'],
  ['ended by a filter within the limit', { ...log, finish: 'content_filter' }, { limit: 99 }, 'hit'],
  ['cut by its limit, reader has a larger one', cut, { limit: 50 }, 'miss'],
  ['cut by its limit, reader has a smaller one', cut, { limit: 30 }, 'miss'],
  ['cut by its limit, reader has none', cut, {}, 'miss'],
  ["cut by the pool's own limit, reader has a limit", { ...log, finish: 'length' }, { limit: 40 }, 'miss'],
  ["cut by the pool's own limit, neither has one", { ...log, finish: 'length' }, {}, 'hit'],
  ['open, neither has a limit', open, {}, 'coalesced'],
  ['open under the same limit', { ...open, asked: 50 }, { limit: 50 }, 'coalesced'],
  ['open under another limit', { ...open, asked: 50 }, { limit: 40 }, 'miss'],
  ['open under a limit, reader has none', { ...open, asked: 50 }, {}, 'miss'],
  ['broken', { ...log, state: 'broken' }, {}, 'miss'],
  ['made by a pool that the reader may not use', { ...log, pool: 'ap-1' }, {}, 'miss'],
  ['being made by a pool that the reader may not use', { ...open, pool: 'ap-1' }, {}, 'miss'],
  ['at the end of its time', log, { nowMs: 60_000 }, 'miss'],
  ['just before the end of its time', log, { nowMs: 59_999 }, 'hit'],
  ['as old as the reader takes', log, { maxAgeSeconds: 10 }, 'hit'],
  ['older than the reader takes', log, { maxAgeSeconds: 9 }, 'miss'],
  ['being made for longer than the reader takes', open, { maxAgeSeconds: 9 }, 'miss'],
  ['a refresh of a finished log', log, { refresh: true }, 'miss'],
  ['a refresh while one is being made', open, { refresh: true }, 'coalesced'],
])('%s', (_name, summary, changes, expected) => {
  expect(readLog(summary, { ...reader, ...changes })).toBe(expected)
})
