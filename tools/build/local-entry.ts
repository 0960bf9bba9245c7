/** Builds the local entry as `wrangler dev` would bundle it, for who runs it in a Miniflare of his own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runWrangler } from './wrangler.ts'

export interface LocalEntry {
  /** Where its modules are: nobody else uses this folder. */
  readonly dir: string
  readonly remove: () => Promise<void>
}

/** Rejects with what wrangler said if it cannot be built. */
export async function buildLocalEntry(): Promise<LocalEntry> {
  const dir = await mkdtemp(path.join(tmpdir(), 'warmpath-worker-'))
  await runWrangler(['deploy', 'workers/dev/index.ts', '--dry-run', '--outdir', dir])
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
