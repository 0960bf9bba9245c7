/** Builds the local entry once for all mesh and conformance tests, as `wrangler dev` would bundle it. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { PROJECT_DIR, runWrangler } from '../../tools/build/wrangler.ts'

export const WORKER_DIR = path.join(PROJECT_DIR, 'dist/dev')

export default async function buildWorker(): Promise<void> {
  await rm(WORKER_DIR, { recursive: true, force: true })
  await runWrangler(['deploy', 'workers/dev/index.ts', '--dry-run', '--outdir', WORKER_DIR])
}
