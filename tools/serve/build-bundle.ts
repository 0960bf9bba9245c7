/** Builds the production bundle in a process of its own, which checks that nothing in it can pretend. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { PROJECT_DIR } from '../build/wrangler.ts'

/** The folder it is in. Rejects if it could not be built; why has been said by then. */
export async function buildBundle(): Promise<string> {
  const child = spawn(process.execPath, [path.join(PROJECT_DIR, 'tools/build/bundle.ts')], {
    cwd: PROJECT_DIR,
    env: withoutSecrets(process.env),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code]: unknown[] = await once(child, 'exit')
  if (code !== 0) throw new Error('The bundle could not be built.')
  return path.join(PROJECT_DIR, 'dist')
}

/** A build needs none, and what it runs is not ours alone. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(?:MESH|POOL|TELEMETRY)_/.test(name)),
  )
}
