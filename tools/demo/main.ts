/**
 * `npm run demo`: what the mesh promises, shown in a minute on this machine. Ends with 0 only if all that it claims was checked
 * and is true; Ctrl-C stops everything, and nothing is left behind.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { clientDrops } from './client-drops.ts'
import { startDemoMesh, type DemoMesh } from './demo-mesh.ts'
import { euDown } from './eu-down.ts'
import { poolKilled } from './pool-killed.ts'
import { createTeller } from './tell.ts'

/** It takes a third of this; what hangs shall not hang for ever. */
const END_AFTER_MS = 120_000
const PARENT_CHECK_MS = 500
const INTERRUPTED = 130

const startedAt = Date.now()
const dir = await mkdtemp(path.join(tmpdir(), 'warmpath-demo-'))
// Whatever anybody leaves in the folder for temporary files goes with this one.
process.env['TMPDIR'] = dir
const { stdout, env } = process
const teller = createTeller({
  write: (text) => stdout.write(text),
  isColoured: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
})
const stops: (() => Promise<void>)[] = []
let isStopping = false
let starting: Promise<DemoMesh> | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void stop(INTERRUPTED))
// Miniflare listens for signals too, and may end the process before we do: what has to be done is done at its end.
process.on('exit', () => {
  for (const end of stops) void end()
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
})
// npm passes a signal on to a shell, which may end without us: whoever loses its parent has been told to stop.
const parent = process.ppid
setInterval(() => process.ppid !== parent && void stop(INTERRUPTED), PARENT_CHECK_MS).unref()
setTimeout(() => void stop(1, 'It took too long.'), END_AFTER_MS).unref()
// Who reads a pipe may have seen enough.
stdout.on('error', () => void stop(1))
await tell().catch((error: unknown) => stop(1, error instanceof Error ? error.message : String(error)))

async function tell(): Promise<void> {
  teller.title('Warmpath, shown on this machine')
  teller.say(
    'Three data centres (Frankfurt, Washington, Singapore) and three simulated pools (EU, US, Singapore), each pool a process ' +
      'of its own. No account, no GPU, no network. Everything called true below was checked when it was printed.',
  )
  starting = startDemoMesh(dir, (end) => stops.push(end))
  const mesh = await starting
  for (const part of [poolKilled, clientDrops, euDown]) await part(mesh, teller)

  const untrue = teller.untrue()
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0)
  teller.title(
    untrue.length === 0
      ? `All ${teller.claimed()} claims were checked and are true. It took ${seconds} s.`
      : `${untrue.length} of ${teller.claimed()} claims are FALSE.`,
  )
  await stop(untrue.length === 0 ? 0 : 1)
}

/** A second signal does not wait. */
async function stop(code: number, message?: string): Promise<void> {
  if (isStopping) {
    if (code === INTERRUPTED) process.exit(code)
    return
  }
  isStopping = true
  if (message !== undefined) console.error(message)
  // What is just being started can be ended when it is there.
  await starting?.catch(() => undefined)
  await Promise.allSettled(stops.toReversed().map((end) => end()))
  process.exit(code)
}
