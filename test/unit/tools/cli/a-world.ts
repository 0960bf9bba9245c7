/** A world for commands: files in memory, and a mesh that answers what a test says. */
import type { World } from '../../../../tools/cli/world.ts'
import { runMesh } from '../../../../tools/cli/run.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
  /** What the mesh was asked. */
  readonly calls: readonly Call[]
  readonly files: ReadonlyMap<string, string>
}

export interface Call {
  readonly method: string
  readonly url: string
  readonly token: string
  readonly body: string
  readonly headers: Headers
}

export interface WorldOptions {
  readonly answer?: (call: Call) => Response | Promise<Response>
  readonly environment?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  /** How often `--watch` goes on. */
  readonly pauses?: number
}

export const MESH = { MESH_URL: 'https://mesh.example.com', MESH_ADMIN_TOKEN: 'the-admin-token' }
export const NOW_MS = Date.parse('2026-11-24T12:00:00Z')

/** Runs a command line in it, with a mesh to ask unless told otherwise. */
export async function run(args: readonly string[], options: WorldOptions = {}): Promise<Ran> {
  const { answer = () => new Response(null, { status: 500 }), environment = MESH } = options
  const files = new Map(Object.entries(options.files ?? {}))
  const calls: Call[] = []
  let out = ''
  let error = ''
  let pauses = options.pauses ?? 0
  const world: World = {
    environment,
    read: (file) => files.get(file),
    write(file, text, { overwrite }) {
      if (files.has(file) && !overwrite) return false
      files.set(file, text)
      return true
    },
    async fetch(input, init) {
      const request = new Request(input instanceof Request ? input : String(input), init)
      const call = {
        method: request.method,
        url: request.url,
        token: request.headers.get('authorization') ?? '',
        body: await request.text(),
        headers: request.headers,
      }
      calls.push(call)
      return answer(call)
    },
    nowMs: () => NOW_MS,
    out: (text) => (out += text),
    error: (text) => (error += text),
    isTerminal: false,
    pause: () => Promise.resolve(pauses-- > 0),
  }
  const code = await runMesh(args, world)
  return { code, out, error, calls, files }
}
