/** A Worker as it is on a platform with thousands of isolates: whoever takes a request has never seen one before. */
import { createApp } from '../app.ts'
import { createIsolate } from '../edge.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'

/** What is outside of the isolate (objects, KV, the data centre's cache) is there as ever. */
export function createFreshWorker(mesh: Mesh, runtime: Runtime): ExportedHandler<Environment> {
  return {
    fetch: (request, env, context) => createApp(createIsolate(mesh, runtime)).fetch(request, env, context),
  }
}
