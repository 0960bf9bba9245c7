/** Asks a mesh a question, the way most tests do. */
import type { TestMesh } from './mesh.ts'
import { KEYS } from './mesh-config.ts'

export interface ChatOptions {
  readonly tenant?: keyof typeof KEYS
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export function chat(
  mesh: TestMesh,
  colo: string,
  content: string,
  { tenant = 'demo', body = {}, headers = {}, signal }: ChatOptions = {},
): Promise<Response> {
  return mesh.fetch(colo, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS[tenant]}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'story', messages: [{ role: 'user', content }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The pool that answered; reads the answer to its end, so that nothing is left open. */
export async function poolOf(response: Promise<Response>): Promise<string> {
  const answer = await response
  await answer.text()
  return answer.headers.get('x-mesh-pool') ?? `status ${answer.status}`
}
