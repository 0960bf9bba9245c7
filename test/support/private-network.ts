/** Private networks of test meshes: Workers that stand where a tunnel would, each in front of one server. */
import type { TestMesh } from './mesh.ts'

/** By the name of the binding: the URL of the server behind it. */
export type PrivateNetwork = Readonly<Record<string, string>>

/** A request as it came to the door. */
export interface SeenAtDoor {
  readonly method: string
  readonly url: string
  /** By name. */
  readonly headers: Readonly<Record<string, string>>
}

interface Doors {
  readonly bindings: Readonly<Record<string, object>>
  readonly workers: readonly object[]
}

/** Asked under this host a door tells what it has seen; no pool has such a name. */
const SEEN_URL = 'https://seen.invalid/'

export function doorsTo(network: PrivateNetwork): Doors {
  const names = Object.keys(network)
  return {
    bindings: Object.fromEntries(names.map((name) => [name, { type: 'worker', worker: doorName(name) }])),
    workers: names.map((name) => aDoor(doorName(name), network[name] ?? '')),
  }
}

/** All that has come through a binding, from every isolate and object, in order. */
export async function seenAtDoor({ miniflare }: TestMesh, binding: string): Promise<readonly SeenAtDoor[]> {
  const door = await miniflare.getWorker(doorName(binding))
  return (await (await door.fetch(SEEN_URL)).json()) as readonly SeenAtDoor[]
}

function doorName(binding: string): string {
  return `door-${binding.toLowerCase()}`
}

/** Like a tunnel it leads to its one server, whatever host is asked for, and passes on all that the server says. */
function aDoor(name: string, target: string): object {
  const contents = `
    const seen = []
    export default {
      async fetch(request) {
        if (request.url === ${JSON.stringify(SEEN_URL)}) return Response.json(seen)
        const { method, url, headers, body } = request
        seen.push({ method, url, headers: Object.fromEntries(headers) })
        const { pathname, search } = new URL(url)
        return fetch(${JSON.stringify(target)} + pathname + search, { method, headers, body, redirect: 'manual' })
      },
    }`
  const manifest = { mainModule: 'index.js', modules: { 'index.js': { type: 'esm', contents } } }
  return { config: { name, compatibilityDate: '2026-10-28', manifest } }
}
