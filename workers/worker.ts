/** Puts a Worker together from a mesh and a runtime; the production and the local entry differ only in the latter. */
import type { Environment } from './environment.ts'
import { createApp } from './app.ts'
import { createIsolate } from './edge.ts'
import type { Mesh } from './mesh.ts'
import type { Runtime } from './runtime.ts'

export function createWorker(mesh: Mesh, runtime: Runtime): ExportedHandler<Environment> {
  const app = createApp(createIsolate(mesh, runtime))
  return { fetch: (request, env, context) => app.fetch(request, env, context) }
}
