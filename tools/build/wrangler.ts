/** Runs the project's own wrangler, quietly: no questions, no metrics, no look-up of where this machine is. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import path from 'node:path'

export const PROJECT_DIR = path.resolve(import.meta.dirname, '../..')
const CLI = path.join(PROJECT_DIR, 'node_modules/wrangler/wrangler-dist/cli.js')

/** Started directly and not through npx: ending npx would leave wrangler running. */
export function startWrangler(
  args: readonly string[],
  stdio: StdioOptions,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], {
    cwd: PROJECT_DIR,
    stdio,
    env: {
      ...process.env,
      CI: '1',
      NO_UPDATE_NOTIFIER: '1',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      ...env,
    },
  })
}

/** Runs wrangler to its end and resolves with what it printed. Rejects with that text if it fails. */
export async function runWrangler(args: readonly string[]): Promise<string> {
  const child = startWrangler(args, ['ignore', 'pipe', 'pipe'])
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const printed = Buffer.concat(chunks).toString()
  if (code !== 0) throw new Error(printed)
  return printed
}
