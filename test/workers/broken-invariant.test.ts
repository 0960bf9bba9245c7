/** What breaks inside the ladder is a 500 that says nothing of it; it leaves its line, and holds on to nothing. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { createApp } from '../../workers/app.ts'
import { createIsolate, type Isolate } from '../../workers/edge.ts'
import { startMesh } from '../../workers/mesh.ts'
import { productionRuntime } from '../../workers/runtime.ts'
import { KEYS } from '../support/keys.ts'

const BROKEN = (): never => {
  throw new RangeError('a secret')
}
const BODY = JSON.stringify({
  model: 'story',
  messages: [{ role: 'user', content: 'Hi' }],
  temperature: 1,
})

/** Asks an isolate of which something is broken. */
async function ask(breakIt: (isolate: Isolate) => Isolate) {
  const logged: Record<string, unknown>[] = []
  const isolate = createIsolate(startMesh(env, ''), {
    ...productionRuntime,
    log: (line) => void logged.push(line),
  })
  let heldBytes = 0
  const bodies: Isolate['bodies'] = {
    take(bytes) {
      heldBytes += bytes
      return true
    },
    give(bytes) {
      heldBytes -= bytes
    },
  }
  const request = new Request('http://edge.test/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json' },
    body: BODY,
  })
  const context = createExecutionContext()
  const response = await createApp(breakIt({ ...isolate, bodies })).fetch(request, env, context)
  const text = await response.text()
  await waitOnExecutionContext(context)
  return { response, text, logged, heldBytes: () => heldBytes }
}

const CASES = [
  ['before the request is understood', { leases: { hold: BROKEN } }, { status: 500 }],
  ['while it is looked at', { keys: { of: BROKEN } }, { status: 500 }],
  [
    'while it is answered',
    { poisoned: { hasAny: BROKEN, has: BROKEN, add: BROKEN } },
    { status: 500, tenant: 'demo', model: 'story' },
  ],
] as const

test.each(CASES)('%s', async (_when, broken, line) => {
  const { response, text, logged, heldBytes } = await ask((isolate) => ({ ...isolate, ...broken }))
  expect(response.status).toBe(500)
  expect(JSON.parse(text)).toMatchObject({ error: { code: 'internal_error' } })
  expect(logged).toHaveLength(2)
  const [recorded, where] = logged
  expect(recorded).toMatchObject({
    event: 'request',
    error: 'internal_error',
    outcome: 'internal_error',
    ...line,
  })
  expect(where).toEqual({
    event: 'internal_error',
    request_id: recorded?.['request_id'],
    class: 'RangeError',
  })
  expect(text + JSON.stringify(logged)).not.toContain('secret')
  expect(heldBytes()).toBe(0)
})
