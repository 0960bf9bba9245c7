/** How much of an isolate's heap is in use, as V8 says it through the inspector. */

interface Target {
  readonly id: string
  readonly webSocketDebuggerUrl: string
}

/** What V8's inspector protocol sends, as far as it matters here. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly context?: { readonly id: number } }
  readonly result?: { readonly usedSize?: number }
  readonly error?: { readonly message: string }
}

interface Session {
  send(method: string, params?: object): Promise<Message['result']>
  /** Of the Worker's global scope; there once `Runtime.enable` has been answered. */
  context(): number | undefined
  close(): void
}

/** Makes `gc` a function of the global scope: what the inspector offers for it, workerd does not do. */
export const EXPOSE_GC = '--expose-gc'

/** In MiB, of what is left when the garbage is collected. For a workerd that was started with EXPOSE_GC. */
export async function liveHeapMib(inspector: URL, worker: string): Promise<number> {
  const listed = await fetch(`http://${inspector.host}/json`)
  // As the protocol has it.
  const targets = (await listed.json()) as readonly Target[]
  const target = targets.find(({ id }) => id === `core:user:${worker}`)
  if (target === undefined) throw new Error(`the inspector knows no Worker ${worker}`)
  const session = await openSession(target.webSocketDebuggerUrl)
  try {
    await session.send('Runtime.enable')
    await session.send('Runtime.evaluate', { expression: 'gc()', contextId: session.context() })
    const usage = await session.send('Runtime.getHeapUsage')
    return (usage?.usedSize ?? NaN) / 1024 / 1024
  } finally {
    session.close()
  }
}

async function openSession(url: string): Promise<Session> {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (message: Message) => void>()
  let context: number | undefined
  let calls = 0
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.method === 'Runtime.executionContextCreated') context = message.params?.context?.id
    if (message.id !== undefined) waiting.get(message.id)?.(message)
  })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('the inspector does not answer')))
  })
  return {
    async send(method, params = {}) {
      calls += 1
      const id = calls
      const { result, error } = await new Promise<Message>((resolve) => {
        waiting.set(id, resolve)
        socket.send(JSON.stringify({ id, method, params }))
      })
      if (error !== undefined) throw new Error(`${method}: ${error.message}`)
      return result
    },
    context: () => context,
    close: () => socket.close(),
  }
}
