/** How much of an isolate's heap is in use, as V8 says it through the inspector. */

interface Target {
  readonly id: string
  readonly webSocketDebuggerUrl: string
}

interface HeapUsage {
  readonly usedSize: number
}

/** In MiB, of what is left when V8 has collected the garbage. @throws where there is no such Worker */
export async function liveHeapMib(inspector: URL, worker: string): Promise<number> {
  const listed = await fetch(`http://${inspector.host}/json`)
  // V8's inspector protocol has this list.
  const targets = (await listed.json()) as readonly Target[]
  const target = targets.find(({ id }) => id === `core:user:${worker}`)
  if (target === undefined) throw new Error(`the inspector knows no Worker ${worker}`)
  const session = await openSession(target.webSocketDebuggerUrl)
  try {
    await session.send('HeapProfiler.collectGarbage')
    // As the protocol has it.
    const { usedSize } = (await session.send('Runtime.getHeapUsage')) as HeapUsage
    return usedSize / 1024 / 1024
  } finally {
    session.close()
  }
}

async function openSession(url: string) {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (result: unknown) => void>()
  let calls = 0
  socket.addEventListener('message', ({ data }) => {
    // As the protocol has it; events have no id.
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id !== undefined) waiting.get(id)?.(result)
  })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('the inspector does not answer')))
  })
  return {
    send(method: string): Promise<unknown> {
      calls += 1
      const id = calls
      return new Promise((resolve) => {
        waiting.set(id, resolve)
        socket.send(JSON.stringify({ id, method }))
      })
    },
    close: () => socket.close(),
  }
}
