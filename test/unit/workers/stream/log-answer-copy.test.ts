/** A shard that says nothing is lost, and what it offers a copy of is taken when all of it is there. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encodeAbout, encodeEvents, type KeptLog } from '../../../../shared/log/document.ts'
import { createGenerationLog } from '../../../../shared/log/generation-log.ts'
import { encodeEndLine, encodeHeadLine, encodeUsageLine } from '../../../../shared/log/lines.ts'
import { openLogAnswer } from '../../../../workers/stream/log-answer.ts'
import { must } from '../a-dispatch.ts'
import { cutStream } from '../cut-stream.ts'
import { heldBody } from '../held-body.ts'
import { FACTS, FRAMES, HEAD, open, readAll, stays, USAGE } from '../a-log-text.ts'

describe('a shard that says nothing', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is lost after five seconds, before its head as after it, and is let go of', async () => {
    let cancels = 0
    const silent = (text: string) =>
      new ReadableStream<Uint8Array>({
        start: (controller) => (text === '' ? undefined : controller.enqueue(new TextEncoder().encode(text))),
        cancel: () => void (cancels += 1),
      })
    const before = openLogAnswer(silent(''), stays())
    const { source } = await open(silent(HEAD))
    const after = source.next()
    await vi.advanceTimersByTimeAsync(4999)
    expect(cancels).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(await before).toEqual({ ok: false, error: { reason: 'broken' } })
    expect(await after).toEqual({ members: [], outcome: 'truncated', isLogLost: true })
    expect(cancels).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('but shows that it lives is waited for', async () => {
    const held = heldBody()
    const { source } = await openHeld(held)
    let isOver = false
    const next = source.next().finally(() => {
      isOver = true
    })
    for (let beat = 0; beat < 20; beat += 1) {
      await vi.advanceTimersByTimeAsync(500)
      held.say('\n')
    }
    expect(isOver).toBe(false)
    held.say(encodeEndLine({ outcome: 'completed' }))
    expect(await next).toEqual({ members: [], outcome: 'completed' })
  })

  async function openHeld(held: ReturnType<typeof heldBody>) {
    const opening = openLogAnswer(held.body, stays())
    held.say(HEAD)
    const opened = await opening
    return must(opened.ok ? opened.value : undefined)
  }
})

describe('a copy that the shard offers', () => {
  const log = createGenerationLog('chat', 8)
  log.producedBy({ pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' })
  for (const [index, members] of FRAMES.entries()) {
    const isLast = index === FRAMES.length - 1
    log.append({
      members,
      hasContent: true,
      completionTokens: index + 1,
      finishes: isLast ? [{ index: 0, reason: 'stop' }] : [],
      text: 'x',
    })
  }
  log.count(USAGE)
  log.seal()
  const kept: KeptLog = {
    log,
    life: { model: 'story', modelVersion: '1', createdAtMs: 1, expiresAtMs: 2 },
    origin: { attempts: 1, route: 'measured 5ms', firstTokenMs: 5 },
  }
  const text =
    encodeHeadLine({ facts: FACTS, take: 'take-1', copy: encodeAbout(kept) }) +
    encodeEvents(log, 0) +
    encodeUsageLine(USAGE) +
    encodeEndLine({ outcome: 'completed' })

  test('is taken when all of it has been read, however the stream is cut, and only then', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
        const copies: KeptLog[] = []
        const opened = await openLogAnswer(cutStream(text, cuts), {
          ...stays(),
          onCopy: (copy) => copies.push(copy),
        })
        const { source } = must(opened.ok ? opened.value : undefined)
        expect(copies).toEqual([])
        expect((await readAll(source)).members).toEqual(FRAMES)
        expect(copies).toHaveLength(1)
        const [copy] = copies
        expect(copy?.log.summary()).toEqual(log.summary())
        expect(copy && encodeEvents(copy.log, 0)).toBe(encodeEvents(log, 0))
        expect(copy?.life).toEqual(kept.life)
      }),
      { numRuns: 100 },
    )
  })

  test('is not taken of what was cut, nor of what is less than it says', async () => {
    const copies: KeptLog[] = []
    const [first = ''] = encodeEvents(log, 0).split('\n')
    const cuts = [text.slice(0, text.lastIndexOf('e{')), text.replace(`${first}\n`, '')]
    for (const cut of cuts) {
      const opened = await openLogAnswer(cutStream(cut), { ...stays(), onCopy: (copy) => copies.push(copy) })
      await readAll(must(opened.ok ? opened.value : undefined).source)
    }
    expect(copies).toEqual([])
  })
})
