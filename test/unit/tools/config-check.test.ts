import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = mkdtempSync(join(tmpdir(), 'warmpath-config-'))
afterAll(() => rmSync(FOLDER, { recursive: true }))

function check(...args: readonly string[]): { status: number | null; lines: string[]; errors: string[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'tools/config/check.ts'), ...args],
    {
      encoding: 'utf8',
    },
  )
  return { status, lines: stdout.split('\n').filter(Boolean), errors: stderr.split('\n').filter(Boolean) }
}

/** Each starts a process. */
describe('npm run config:check', { timeout: 30_000 }, () => {
  test('says who may go where', () => {
    const { status, lines, errors } = check()
    expect({ status, errors }).toEqual({ status: 0, errors: [] })
    expect(lines[0]).toBe('The config is right for MESH_MODE cloudflare.')
    expect(lines).toContain('  eu-bank: may go to eu-central (eu) only; story; 0 keys')
  })

  test('prints each mistake of another file on a line of its own, and fails', () => {
    const file = join(FOLDER, 'broken.toml')
    const sample = readFileSync(join(ROOT, 'mesh.toml'), 'utf8')
    writeFileSync(
      file,
      sample.replace('region = "us-east"', 'region = "us-est"').replace('"secret:POOL_EU_CENTRAL"', '7'),
    )
    expect(check(file, '--mode', 'dev')).toEqual({
      status: 1,
      lines: [],
      errors: [
        'pools[0] ("eu-central").auth: what stands there does not fit; give "secret:POOL_" and the rest of the name of a secret',
        'pools[1] ("us-east").region: "us-est" is not a region; regions are eu-central, us-east, ap-southeast. Did you mean "us-east"?',
      ],
    })
  })

  test('of what is to be deployed refuses another mode than Cloudflare’s', () => {
    expect(check('--deploy')).toMatchObject({ status: 0, errors: [] })
    expect(check('--deploy', '--mode', 'single:eu')).toEqual({
      status: 1,
      lines: [],
      errors: ['MESH_MODE is "single:eu"; only "cloudflare" can be deployed.'],
    })
  })

  test.each([
    [['--mode', 'production'], /^MESH_MODE is not a mode the mesh knows\. /],
    [['--colour'], /^Usage: /],
    [['a.toml', 'b.toml'], /^Usage: /],
    [[join(FOLDER, 'none.toml')], /none\.toml cannot be read\.$/],
  ])('answers %j with one line', (args, line) => {
    const { status, lines, errors } = check(...args)
    expect({ status, lines, count: errors.length }).toEqual({ status: 1, lines: [], count: 1 })
    expect(errors[0]).toMatch(line)
  })
})
