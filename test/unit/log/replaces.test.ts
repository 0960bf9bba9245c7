/** Of two logs of one request the one that serves more readers is kept, and of two that serve the same the newer. */
import { describe, expect, test } from 'vitest'
import { createGenerationLog, type GenerationLog } from '../../../shared/log/generation-log.ts'
import { replaces } from '../../../shared/log/replaces.ts'

/** What is known of a log by how it ended: `stop` and `length` are whole, `broken` is a beginning. */
function aLog(end: 'stop' | 'length' | 'broken', tokens: number, isCounted = true): GenerationLog {
  const log = createGenerationLog('chat', end === 'length' ? tokens : undefined)
  for (let index = 1; index <= tokens; index += 1) {
    log.append({
      members: `{"choices":[${index}]}`,
      hasContent: true,
      finishes: index === tokens && end !== 'broken' ? [{ index: 0, reason: end }] : [],
      ...(isCounted ? { completionTokens: index } : {}),
      text: 'x',
    })
  }
  if (end === 'broken') log.break()
  else log.seal()
  return log
}

describe.each([
  ['a whole answer', 'one that its limit cut', aLog('stop', 5), aLog('length', 50)],
  ['a whole answer', 'a beginning', aLog('stop', 5), aLog('broken', 50)],
  ['an answer that its limit cut', 'a beginning', aLog('length', 5), aLog('broken', 50)],
  ['a longer one that its limit cut', 'a shorter one', aLog('length', 50), aLog('length', 5)],
  ['a longer beginning', 'a shorter one', aLog('broken', 50), aLog('broken', 5)],
  ['a longer beginning without counts', 'a shorter one', aLog('broken', 50, false), aLog('broken', 5, false)],
])('%s and %s', (_better, _worse, better, worse) => {
  test('the first takes the place of the second', () => {
    expect(replaces(better, worse)).toBe(true)
  })

  test('the second does not take the place of the first', () => {
    expect(replaces(worse, better)).toBe(false)
  })
})

test.each(['stop', 'length', 'broken'] as const)(
  'of two that serve the same (%s) the newer is kept',
  (end) => {
    expect(replaces(aLog(end, 5), aLog(end, 5))).toBe(true)
  },
)

test('of two whole answers the newer is kept, however long they are', () => {
  expect(replaces(aLog('stop', 5), aLog('stop', 50))).toBe(true)
  expect(replaces(aLog('stop', 50), aLog('stop', 5))).toBe(true)
})
