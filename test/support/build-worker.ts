/** Builds the local entry for mesh and conformance tests, as `wrangler dev` would bundle it, into a folder of this run's own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { runWrangler } from '../../tools/build/wrangler.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly workerDir: string
  }
}

export default async function buildWorker(project: TestProject): Promise<() => Promise<void>> {
  const workerDir = await mkdtemp(path.join(tmpdir(), 'warmpath-worker-'))
  await runWrangler(['deploy', 'workers/dev/index.ts', '--dry-run', '--outdir', workerDir])
  project.provide('workerDir', workerDir)
  return () => rm(workerDir, { recursive: true, force: true })
}
