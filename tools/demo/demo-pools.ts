/** Pools of the demo: engines that can be killed and started again, each behind a relay that keeps all that it is sent. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { startEngines, type RunningPool } from '../local/engines.ts'

export interface DemoPool {
  readonly id: string
  /** Of the relay: the same whichever engine is behind it. */
  readonly running: RunningPool
  /** Every byte that came for the pool. */
  readonly received: () => Buffer
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>
  /** A new process in the place of one that is gone. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Rejects, and leaves none behind, if one does not start. */
export async function startDemoPools(config: MeshConfig): Promise<readonly DemoPool[]> {
  const engines = await startEngines(config, 'simulated')
  return Promise.all(engines.map((engine) => demoPool(config, engine)))
}

async function demoPool(config: MeshConfig, first: RunningPool): Promise<DemoPool> {
  let engine = first
  const relay = await startRelay(() => new URL(engine.url))
  async function kill(): Promise<void> {
    const { exitCode, signalCode } = engine.process
    if (exitCode !== null || signalCode !== null) return
    const isGone = once(engine.process, 'exit')
    engine.process.kill('SIGKILL')
    await isGone
  }
  return {
    id: first.pool.id,
    running: { ...first, url: relay.url },
    received: relay.received,
    kill,
    async restart() {
      await kill()
      const [next] = await startEngines({ ...config, pools: [first.pool] }, 'simulated')
      if (next !== undefined) engine = next
    },
    async stop() {
      await kill()
      relay.stop()
    },
  }
}

/** Passes bytes on, and keeps those that go to the pool. A pool that is not there is a connection that breaks. */
async function startRelay(target: () => URL) {
  const received: Buffer[] = []
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    const { hostname, port } = target()
    const pool = connect(Number(port), hostname)
    clients.add(client)
    client.on('data', (bytes: Buffer) => received.push(bytes))
    client.pipe(pool)
    pool.pipe(client)
    client.on('error', () => pool.destroy())
    pool.on('error', () => client.destroy())
    pool.on('close', () => client.destroy())
    client.on('close', () => {
      clients.delete(client)
      pool.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received: () => Buffer.concat(received),
    stop() {
      server.close()
      for (const client of clients) client.destroy()
    },
  }
}
