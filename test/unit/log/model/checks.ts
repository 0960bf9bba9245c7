/** What must hold of a log and of what its readers get, after every step. */
import { expect } from 'vitest'
import type { LogEntry } from '../../../../shared/log/generation-log.ts'
import type { LogPiece } from '../../../../shared/log/read-on.ts'
import { expectedOf } from './story.ts'
import type { ModelReader, World } from './world.ts'

export function checkCanon(
  { canon: canons }: World,
  { limit, events }: ModelReader,
  entries: readonly LogEntry[],
): void {
  const canon = canons.get(limit) ?? []
  canons.set(limit, canon)
  for (const [index, entry] of entries.entries()) {
    const known = canon[events + index]
    if (known === undefined) canon[events + index] = entry
    else if (entry !== known) expect(entry).toEqual(known)
  }
}

export function checkRead(world: World, reader: ModelReader, { after, usage, total }: LogPiece): void {
  const { log, story } = world
  const { limit, seen, events } = reader
  const expected = expectedOf(story, limit)
  const read = seen.map(readMembers)
  const text = read.map((event) => event.text).join('')
  const finishes = read.flatMap(({ finish }, index) => {
    if ((seen[index]?.finish ?? null) !== finish) throw new Error('a finish that its event does not have')
    return finish === null ? [] : [{ finish, index }]
  })
  if (!expected.text.startsWith(text)) expect(text).toBe(expected.text)
  // Whatever is not the end that its own limit makes, no reader sees; and there is one.
  if (finishes.length > 0) expect(finishes).toEqual([{ finish: expected.finish, index: seen.length - 1 }])
  switch (after) {
    case 'whole':
      expect({ text, finishes: finishes.length }).toEqual({ text: expected.text, finishes: 1 })
      if (usage !== undefined) expect(usage.completionTokens).toBe(expected.tokens)
      break
    case 'more':
      expect(events).toBeLessThan(total)
      break
    case 'wait':
      expect(log.state).toBe('open')
      break
    case 'broken':
      expect(log.state).toBe('broken')
      break
    case 'short':
      expect(log.endedByLimit).toBe(true)
      expect(limit ?? Infinity).toBeGreaterThan(log.asked ?? Infinity)
      break
    case 'overshot':
      expect(limit).not.toBe(log.asked)
      expect(log.length).toBeGreaterThan(events)
      break
    case 'gone':
      expect(events).toBeLessThan(log.firstKept)
      break
  }
}

export function checkSize({ log }: World): void {
  let size = 0
  for (let index = log.firstKept; index < log.length; index += 1)
    size += log.entry(index)?.members.length ?? 0
  if (log.size !== size) expect(log.size).toBe(size)
}

/** There are few different ones, and each is read many times. */
const known = new Map<string, { readonly text: string; readonly finish: string | null }>()

function readMembers({ members }: LogEntry): { readonly text: string; readonly finish: string | null } {
  const before = known.get(members)
  if (before !== undefined) return before
  const [choice] = JSON.parse(members).choices
  const event = { text: choice.delta?.content ?? choice.text ?? '', finish: choice.finish_reason }
  known.set(members, event)
  return event
}
