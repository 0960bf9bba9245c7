/** docs/cli.md names every command, and the exit codes are those it has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { EXIT } from '../../../../tools/cli/outcome.ts'
import { meshProgram } from '../../../../tools/cli/program.ts'
import { realWorld } from '../../../../tools/cli/world.ts'

const DOC = readFileSync(join(import.meta.dirname, '../../../../docs/cli.md'), 'utf8')
const rows = DOC.split('\n').filter((line) => line.startsWith('| `mesh '))

test.each(leaves(meshProgram({ world: realWorld(), end() {} })).map((path) => [path.join(' ')]))(
  '`mesh %s` stands in the table',
  (path) => {
    const [first = '', last = first] = path.split(' ')
    const named = rows.filter((row) => row.startsWith('| `mesh ' + first))
    expect(named.some((row) => new RegExp(`[ \`]${last}\\b`).test(row.split('|')[1] ?? ''))).toBe(true)
  },
)

test('every exit code stands in the table', () => {
  for (const code of Object.values(EXIT)) expect(DOC).toMatch(new RegExp(`^\\| ${code} +\\| `, 'm'))
})

function leaves(command: Command): string[][] {
  return command.commands.flatMap((child) => {
    const below = leaves(child)
    return below.length === 0 ? [[child.name()]] : below.map((path) => [child.name(), ...path])
  })
}
