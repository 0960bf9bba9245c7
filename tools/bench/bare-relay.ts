/** A workerd that only passes on what a pool says: what a node on one's own machine is compared with. */
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { formatCapnp, type CapnpValue } from '../serve/capnp.ts'
import { startWorkerd, type RunningWorkerd } from '../serve/workerd.ts'

/** Listens on a port of its own, under /native and /javascript. @param dir where its config is written */
export async function startBareRelay(dir: string, poolPort: number): Promise<RunningWorkerd> {
  const source = await readFile(path.join(import.meta.dirname, 'bare-worker.js'), 'utf8')
  await writeFile(path.join(dir, 'index.js'), source)
  const worker: CapnpValue = {
    modules: [{ name: 'index.js', esModule: { embed: 'index.js' } }],
    compatibilityDate: '2026-10-28',
    globalOutbound: 'pools',
    bindings: [
      { name: 'POOL', text: 'http://10.0.0.1' },
      { name: 'REGION', text: '' },
    ],
  }
  const config = formatCapnp({
    services: [
      { name: 'relay', worker },
      // As the node's: whatever is sent goes to one engine.
      { name: 'pools', external: { address: `127.0.0.1:${poolPort}`, http: {} } },
    ],
    sockets: [{ name: 'http', address: '127.0.0.1:0', http: {}, service: 'relay' }],
  })
  const file = path.join(dir, 'relay.capnp')
  await writeFile(
    file,
    `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = ${config};\n`,
  )
  return startWorkerd(file, {})
}
