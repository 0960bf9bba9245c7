/** The environment of docs/examples, as an operator appends it to wrangler.toml: wrangler would deploy it, with nothing missing. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROJECT_DIR, runWrangler } from '../../tools/build/wrangler.ts'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'warmpath-onprem-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** What a dry run of a deploy says the Worker is given: names, with what each is bound to, in order. */
async function bindingsOf(flags: readonly string[]): Promise<string[]> {
  const printed = await runWrangler(['deploy', '--dry-run', '--outdir', path.join(dir, 'out'), ...flags])
  const names = printed.matchAll(/^env\.(.*?) {2,}/gm)
  return [...names].map(([, name = '']) => name).sort()
}

test('it has all that the Worker has without it, and the private bindings', async () => {
  const own = await readFile(path.join(PROJECT_DIR, 'wrangler.toml'), 'utf8')
  const example = await readFile(path.join(PROJECT_DIR, 'docs/examples/onprem.toml'), 'utf8')
  const config = path.join(dir, 'wrangler.toml')
  const main = JSON.stringify(path.join(PROJECT_DIR, 'workers/index.ts'))
  await writeFile(config, `${own.replace(/^main = .*$/m, () => `main = ${main}`)}\n${example}`)

  const without = await bindingsOf([])
  const onprem = await bindingsOf(['--config', config, '--env', 'onprem'])
  const id = '(00000000-0000-0000-0000-000000000000)'
  const more = ['CLIENT_CERT', 'ONPREM', 'ONPREM_NETWORK'].map((name) => `${name} ${id}`)
  expect(without).toContain('LOG_SHARD (LogShard)')
  expect(onprem).toEqual([...without, ...more].sort())
}, 60_000)
