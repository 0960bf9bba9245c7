/**
 * Builds the production bundle as a deploy would, and holds it to its promises: it contains nothing that can pretend, and
 * it stays within its size.
 */
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { PROJECT_DIR, runWrangler } from './wrangler.ts'

/** What only the local entry may contain. */
const DEV_ONLY = ['x-mesh-dev-colo', 'x-sim-edge-region', 'MESH_DEV_']
/** Gzipped, which is what the platform counts. A start parses all of it. */
const MAX_GZIP_KIB = 300

const outDir = path.join(PROJECT_DIR, 'dist')
await rm(outDir, { recursive: true, force: true })
await runWrangler(['deploy', '--dry-run', '--minify', '--outdir', outDir])
const bundle = await readFile(path.join(outDir, 'index.js'), 'utf8')

const found = DEV_ONLY.filter((text) => bundle.includes(text))
const kib = Math.round(gzipSync(bundle).byteLength / 1024)
if (found.length > 0) fail(`The production bundle contains dev-only code: ${found.join(', ')}`)
if (kib > MAX_GZIP_KIB) fail(`The bundle has ${kib} KiB gzipped; the budget is ${MAX_GZIP_KIB}.`)
console.log(`dist/index.js: ${kib} KiB gzipped (budget ${MAX_GZIP_KIB}), no dev-only code`)

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
