/** Simulated pools at an address that is not loopback, which a node on one's own machines refuses. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { classifyHost } from '../../shared/config/host.ts'
import type { EngineOptions } from '../../tools/local/engine/options.ts'
import { startEngine, type Engine } from '../../tools/local/engine/start-engine.ts'

export interface PrivatePool {
  readonly engine: Engine
  /** Without a slash at the end; add `/v1`. */
  readonly url: string
  readonly close: () => Promise<void>
}

/** This machine's address on a network, as it stands in a URL; undefined where it is on none. */
export function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ family, address }) => (family === 'IPv6' ? `[${address}]` : address))
    .find((host) => ['private', 'public'].includes(classifyHost(host)))
}

/** The engine listens on loopback only; what listens for it passes bytes on. */
export async function startPrivatePool(host: string, options: EngineOptions): Promise<PrivatePool> {
  const engine = await startEngine({ port: 0, servedModelNames: ['story-8b'], ...options })
  const sockets = new Set<Socket>()
  const relay: Server = createServer((client) => {
    const server = connect(engine.port, '127.0.0.1')
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  relay.listen(0, host.replace(/^\[|\]$/g, ''))
  await once(relay, 'listening')
  // A TCP server that listens has an address of this form.
  const { port } = relay.address() as AddressInfo
  return {
    engine,
    url: `http://${host}:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      relay.close()
      await engine.close()
    },
  }
}
