/** `npm run config:test` as an operator runs it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = mkdtempSync(join(tmpdir(), 'warmpath-cases-'))
afterAll(() => rmSync(FOLDER, { recursive: true }))

function run(...args: readonly string[]): { status: number | null; lines: string[]; errors: string[] } {
  const file = join(ROOT, 'tools/config/test.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
  return { status, lines: stdout.split('\n').filter(Boolean), errors: stderr.split('\n').filter(Boolean) }
}

function casesFile(name: string, text: string): string {
  const file = join(FOLDER, name)
  writeFileSync(file, text)
  return file
}

const GOOD = '[[cases]]\nname = "good"\ntenant = "eu-bank"\nmodel = "story"\nexpect = { storage = "home" }\n'
const BAD = '[[cases]]\nname = "bad"\ntenant = "demo"\nmodel = "story"\nexpect = { pools = ["us-east"] }\n'

describe('npm run config:test', () => {
  test('finds the cases of the repository right', () => {
    const { status, lines, errors } = run()
    expect({ status, errors }).toEqual({ status: 0, errors: [] })
    expect(lines.slice(0, -1).every((line) => line.startsWith('ok    '))).toBe(true)
    expect(lines.at(-1)).toMatch(/^[1-9]\d* cases, 0 failed\.$/)
  })

  test('says of each case on a line whether it comes out, and fails if one does not', () => {
    expect(run(casesFile('mixed.toml', GOOD + BAD))).toEqual({
      status: 1,
      lines: [
        'ok    good',
        'FAIL  bad: pools: expected us-east, got ap-southeast eu-central us-east',
        '2 cases, 1 failed.',
      ],
      errors: [],
    })
  })

  test.each([
    [[join(FOLDER, 'none.toml')], /none\.toml cannot be read\.$/],
    [[casesFile('empty.toml', '')], /^cases: /],
    [['--config', join(FOLDER, 'none.toml')], /none\.toml cannot be read\.$/],
    [['--mode', 'production'], /^MESH_MODE is not a mode the mesh knows\. /],
    [['--mode', 'single:ch'], /^MESH_MODE: no region has the jurisdiction "ch"/],
    [['--colour'], /^Usage: /],
    [['a.toml', 'b.toml'], /^Usage: /],
  ])('answers %j with one line, and fails', (args, line) => {
    const { status, lines, errors } = run(...args)
    expect({ status, lines, count: errors.length }).toEqual({ status: 1, lines: [], count: 1 })
    expect(errors[0]).toMatch(line)
  })
})
