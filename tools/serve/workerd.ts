/** Runs workerd on a config until it is told to end, or ends by itself. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'

export interface RunningWorkerd {
  readonly port: number
  /** Resolves when it has ended, with its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>
  /** Takes no new connections, and ends when the last one is served. */
  readonly drain: () => void
  /** Ends at once: whoever reads is cut off. */
  readonly kill: () => void
}

/** Where workerd reports the port it listens on. */
const CONTROL_FD = 3

/** Rejects if it ends before it listens; it has said why on the standard error by then. */
export async function startWorkerd(
  configFile: string,
  secrets: Readonly<Record<string, string>>,
): Promise<RunningWorkerd> {
  const child = spawn(programFile(), ['serve', configFile, `--control-fd=${CONTROL_FD}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    env: { ...secrets },
    // Ctrl-C goes to a whole group of processes: workerd would end before its streams do.
    detached: true,
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve)
    child.once('error', () => resolve(null))
  })
  const port = await Promise.race([portOf(child), ended.then(() => undefined)])
  if (port === undefined) throw new Error('workerd did not start.')
  return {
    port,
    ended,
    drain: () => child.kill('SIGTERM'),
    kill: () => child.kill('SIGKILL'),
  }
}

/** The binary itself: its wrapper in node_modules/.bin would be one more process between us and it. */
function programFile(): string {
  const workerd: unknown = createRequire(import.meta.url)('workerd')
  const file =
    typeof workerd === 'object' && workerd !== null && 'default' in workerd ? workerd.default : workerd
  if (typeof file !== 'string') throw new Error('There is no workerd for this machine: npm ci installs it.')
  return file
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    const control = child.stdio[CONTROL_FD] as Readable
    createInterface({ input: control }).on('line', (line) => {
      const message: unknown = JSON.parse(line)
      if (typeof message !== 'object' || message === null || !('port' in message)) return
      if (typeof message.port === 'number') resolve(message.port)
    })
  })
}
