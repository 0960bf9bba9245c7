/** Whatever body a client sends, it is told in a 4xx what to mend, and the next request is answered. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BAD_CHATS } from '../support/bad-bodies.ts'
import { bodyWith } from '../support/bad-body.ts'
import { BAD_COMPLETIONS } from '../support/bad-fields.ts'
import type { TestMesh } from '../support/mesh.ts'
import {
  ask,
  expectGood,
  expectRefusal,
  expectWholeBudget,
  MAX_BODY_BYTES,
  startTightMesh,
} from '../support/tight-mesh.ts'

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startTightMesh()
})
afterAll(async () => mesh.stop())

describe('a body', () => {
  test.each(BAD_CHATS)('of a chat with %s is refused', async (_name, body, refused) => {
    await expectRefusal(await ask(mesh, { body }), refused)
    await expectGood(mesh)
  })

  test.each(BAD_COMPLETIONS)('of a completion with %s is refused', async (_name, body, refused) => {
    await expectRefusal(await ask(mesh, { path: '/v1/completions', body }), refused)
  })

  test('with a name that is not ours is refused without naming it', async () => {
    const text = await expectRefusal(await ask(mesh, { body: bodyWith({ frobnicate_9: 1 }) }), {
      status: 400,
      code: 'unsupported_parameter',
    })
    expect(text).not.toContain('frobnicate')
    expect(text).toContain('number 4')
  })

  const odd = [
    ['a byte order mark', `\u{feff}${bodyWith({})}`],
    ['white space all round', ` \r\n\t${bodyWith({})}\n `],
    [
      'every optional field null',
      bodyWith({ temperature: null, stop: null, n: null, stream: null, tools: null }),
    ],
    ['a null under an unknown name', bodyWith({ frobnicate: null })],
    ['NUL characters', bodyWith({ messages: [{ role: 'user', content: 'a\0b\0' }] })],
    ['half of a surrogate pair', bodyWith({ messages: [{ role: 'user', content: '\ud800' }] })],
    ['an empty prompt', bodyWith({ messages: [{ role: 'user', content: '' }] })],
    [
      'a thousand messages',
      bodyWith({ messages: Array.from({ length: 1000 }, () => ({ role: 'user', content: 'a' })) }),
    ],
    ['an escaped key', bodyWith({}).replace('"model"', String.raw`"mod\u0065l"`)],
    [
      'a schema of twenty-eight levels',
      bodyWith({ tools: [{ type: 'function', function: { name: 'f', parameters: nested(24) } }] }),
    ],
  ] as const
  test.each(odd)('with %s is odd, and answered', async (_name, body) => {
    const response = await ask(mesh, { body })
    expect(response.status, await response.text()).toBe(200)
  })

  test('of the largest size, one string, is answered', async () => {
    const empty = bodyWith({ messages: [{ role: 'user', content: '' }] })
    const filler = 'x'.repeat(MAX_BODY_BYTES - empty.length)
    await expectGood(mesh, { messages: [{ role: 'user', content: filler }] })
    await expectRefusal(
      await ask(mesh, { body: bodyWith({ messages: [{ role: 'user', content: `${filler}x` }] }) }),
      {
        status: 413,
        code: 'body_too_large',
      },
    )
  })

  test('that differs in half a surrogate pair only is not answered from the cache', async () => {
    const first = await expectGood(mesh, {
      temperature: 0,
      messages: [{ role: 'user', content: 'odd \ud800' }],
    })
    const second = await expectGood(mesh, {
      temperature: 0,
      messages: [{ role: 'user', content: 'odd \ufffd' }],
    })
    const third = await expectGood(mesh, {
      temperature: 0,
      messages: [{ role: 'user', content: 'odd \udfff' }],
    })
    expect([first, second, third].map(({ headers }) => headers.get('x-mesh-cache'))).toEqual([
      'miss',
      'miss',
      'miss',
    ])
  })
})

test('after all of it no byte of the budget is missing', () => expectWholeBudget(mesh))

/** A JSON schema of so many objects inside one another. */
function nested(levels: number): object {
  return levels === 2 ? { properties: {} } : { properties: { a: nested(levels - 2) } }
}
