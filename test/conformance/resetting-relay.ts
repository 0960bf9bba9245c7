/**
 * Stands before a mesh and turns a client that leaves into a reset connection. SDKs close theirs with a FIN, by which the
 * local runtime does not learn of a client that leaves before the answer's headers; Cloudflare's edge learns of it.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

export interface Relay {
  readonly url: string
  stop(): Promise<void>
}

export async function startResettingRelay(targetUrl: string): Promise<Relay> {
  const { hostname, port } = new URL(targetUrl)
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    const edge = connect(Number(port), hostname)
    clients.add(client)
    // A connection that has been ended in order can be reset no more.
    client.pipe(edge, { end: false })
    edge.pipe(client)
    client.on('error', () => undefined)
    edge.on('error', () => undefined)
    edge.on('close', () => client.destroy())
    client.on('end', () => edge.resetAndDestroy())
    client.on('close', () => {
      clients.delete(client)
      edge.resetAndDestroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on an address has one.
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const client of clients) client.destroy()
      }),
  }
}
