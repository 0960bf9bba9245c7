/** Tells the Worker, when /readyz asks, whether this node still wants requests. Only this machine can ask. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Readiness {
  /** Address and port. */
  readonly address: string
  /** From now on the answer is no. */
  readonly withdraw: () => void
  readonly close: () => void
}

export async function startReadiness(): Promise<Readiness> {
  let isReady = true
  const server = createServer((_request, response) => {
    response.writeHead(isReady ? 200 : 503).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server that listens has an address of this form.
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    withdraw() {
      isReady = false
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
