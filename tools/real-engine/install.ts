/**
 * `npm run engine:install`: puts llama.cpp into this folder, and fails unless it then loads. Not a part of `npm ci`: it is
 * 85 MB, and node-llama-cpp's optional dependencies, left to npm, would add every GPU build that fits the machine.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { loadLlama } from './llama.ts'
import { prebuiltPackage } from './platform.ts'

const problem = install() ?? (await test())
if (problem === undefined) {
  console.log('llama.cpp is installed and loads.')
  process.exit(0)
}
console.error(problem)
process.exit(1)

/** Undefined when npm was content. */
function install(): string | undefined {
  const prebuilt = prebuiltPackage(process.platform, process.arch)
  if (prebuilt === undefined) return `There is no llama.cpp for ${process.platform} on ${process.arch}.`
  // Without scripts: they would compile llama.cpp where the prebuilt one is missing. Without saving: package.json and the
  // lock are the same on every platform, and the lock pins the prebuilt packages as well.
  const args = [
    'install',
    '--no-save',
    '--omit=optional',
    '--ignore-scripts',
    `${prebuilt}@${pinnedVersion()}`,
  ]
  const { npm_execpath: npm = '' } = process.env
  const [command, ...first] = npm.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm']
  const { status } = spawnSync(command ?? 'npm', [...first, ...args], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  })
  return status === 0 ? undefined : 'npm could not install llama.cpp.'
}

/** The prebuilt packages have the version of the package that they belong to. */
function pinnedVersion(): string {
  const file = readFileSync(path.join(import.meta.dirname, 'package.json'), 'utf8')
  // Our own file, beside this one.
  const { dependencies } = JSON.parse(file) as { dependencies: { 'node-llama-cpp': string } }
  return dependencies['node-llama-cpp']
}

async function test(): Promise<string | undefined> {
  const loaded = await loadLlama()
  return loaded.ok ? undefined : loaded.error
}
