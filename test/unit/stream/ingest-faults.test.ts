/** A pool that says in its stream why it fails is understood; one that only says that it fails is, too. */
import { expect, test } from 'vitest'
import type { PoolFault } from '../../../shared/pool/pool-fault.ts'
import { createIngest } from '../../../shared/stream/ingest.ts'
import type { ReadEvent } from '../../../shared/stream/upstream-event.ts'

const FULL: PoolFault = { kind: 'saturated' }

function endOf(readEvent: ReadEvent, text: string) {
  const ingest = createIngest({ surface: 'chat', readEvent, expectedChoices: 1 })
  ingest.push(text)
  return ingest.end()
}

test('an event that says why is the end, with its reason', () => {
  expect(endOf(() => ({ kind: 'error', fault: FULL }), 'data: x\n\n')).toEqual({
    outcome: 'upstream_error',
    finishes: [],
    fault: FULL,
  })
  expect(endOf(() => ({ kind: 'error' }), 'data: x\n\n')).not.toHaveProperty('fault')
})

test('an event named error is a failure whatever the dialect makes of it, and keeps the reason the dialect finds', () => {
  expect(endOf(() => ({ kind: 'done' }), 'event: error\ndata: x\n\n')).toEqual({
    outcome: 'upstream_error',
    finishes: [],
  })
  const named = endOf(() => ({ kind: 'error', fault: FULL }), 'event: error\ndata: x\n\n')
  expect(named).toMatchObject({ outcome: 'upstream_error', fault: FULL })
})

test('the dialect is told the name of an event, where it has one', () => {
  const seen: unknown[] = []
  endOf((surface, data, name) => {
    seen.push([surface, data, name])
    return { kind: 'ignored' }
  }, 'event: ping\ndata: 1\n\ndata: 2\n\n')
  expect(seen).toEqual([
    ['chat', '1', 'ping'],
    ['chat', '2', undefined],
  ])
})
