/** Builds the production bundle for the tests of `serve`, into a folder of this run's own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { runWrangler } from '../../tools/build/wrangler.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly bundleDir: string
  }
}

let dir = ''

export async function setup(project: TestProject): Promise<void> {
  dir = await mkdtemp(path.join(tmpdir(), 'warmpath-bundle-'))
  await runWrangler(['deploy', '--dry-run', '--minify', '--outdir', dir])
  project.provide('bundleDir', dir)
}

export async function teardown(): Promise<void> {
  await rm(dir, { recursive: true, force: true })
}
