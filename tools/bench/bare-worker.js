/** What any Worker has to pay for passing a pool's answer on, without a mesh: natively, in JavaScript, and through an object. */
import { DurableObject } from 'cloudflare:workers'

const HEADERS = { 'content-type': 'text/event-stream' }

export class Relay extends DurableObject {
  async open(body) {
    return pulled(await askPool(this.env, body))
  }
}

// oxlint-disable-next-line import/no-default-export -- what workerd calls is the default export.
export default {
  async fetch(request, env) {
    const body = await request.text()
    return new Response(await relays[new URL(request.url).pathname](env, body), { headers: HEADERS })
  },
}

const relays = {
  '/native': (env, body) => askPool(env, body),
  '/javascript': async (env, body) => pulled(await askPool(env, body)),
  '/object': async (env, body) => pulled(await env.RELAY.getByName('one').open(body)),
}

async function askPool(env, body) {
  // It is where the pool is.
  const headers = { 'content-type': 'application/json', 'x-sim-edge-region': env.REGION }
  const response = await fetch(`${env.POOL}/v1/chat/completions`, { method: 'POST', headers, body })
  return response.body
}

function pulled(body) {
  const reader = body.getReader()
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => reader.cancel(),
  })
}
