/** The folder of a node: what it stores, and what is generated anew at every start. Nobody but its owner can read it. */
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import path from 'node:path'

export interface DataFolder {
  readonly objectsDir: string
  readonly kvDir: string
  /** The config of workerd and what it embeds. */
  readonly generatedDir: string
}

const KV_DIR = path.join(import.meta.dirname, 'kv')

export async function prepareDataFolder(dataDir: string): Promise<DataFolder> {
  const folder: DataFolder = {
    objectsDir: path.join(dataDir, 'objects'),
    kvDir: path.join(dataDir, 'kv'),
    generatedDir: path.join(dataDir, 'generated'),
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  // Also where it existed with other rights.
  await chmod(dataDir, 0o700)
  await rm(folder.generatedDir, { recursive: true, force: true })
  for (const dir of Object.values(folder)) await mkdir(dir, { recursive: true, mode: 0o700 })
  return folder
}

/** Copies the bundle beside the config; the names of its modules, the entry first. Rejects if there is no bundle. */
export async function copyBundle(
  bundleDir: string,
  { generatedDir }: DataFolder,
): Promise<readonly string[]> {
  const files = (await readdir(bundleDir)).filter((file) => /\.(?:js|toml)$/.test(file))
  if (!files.includes('index.js'))
    throw new Error(`There is no bundle in ${bundleDir}: npm run build makes one.`)
  for (const file of files) await cp(path.join(bundleDir, file), path.join(generatedDir, file))
  return ['index.js', ...files.filter((file) => file !== 'index.js')]
}

/** Writes the KV service as JavaScript; its types are only taken away, so that no compiler is needed on a node. */
export async function writeKvService({ generatedDir }: DataFolder): Promise<readonly string[]> {
  const files = ['kv-service.ts', 'kv-rows.ts']
  await mkdir(path.join(generatedDir, 'kv'), { mode: 0o700 })
  for (const file of files) {
    const source = await readFile(path.join(KV_DIR, file), 'utf8')
    await writeFile(path.join(generatedDir, 'kv', file), stripTypeScriptTypes(source), { mode: 0o600 })
  }
  return files.map((file) => `kv/${file}`)
}
