/**
 * `npm run config:test -- [CASES] [--config FILE] [--mode MODE]`: tries the operator's own cases (mesh.test.toml) against a
 * config. One line for each; fails if one does not come out as expected, or if anything cannot be read.
 */
import { parseArgs } from 'node:util'
import { parseMeshMode, type MeshMode } from '../../shared/config/mode.ts'
import { describeProblem, parseMeshConfig } from '../../shared/config/parse.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { failuresOf, parseCases, type ResidencyCase } from './cases.ts'
import { fromRoot, modeOfWrangler, readText } from './files.ts'

const USAGE =
  'Usage: npm run config:test -- [CASES] [--config FILE] [--mode cloudflare|single:<jurisdiction>|dev]'

interface Subject {
  readonly config: MeshConfig
  readonly mode: MeshMode
  readonly cases: readonly ResidencyCase[]
}

const subject = read()
if (subject.ok) {
  const failed = subject.value.cases.filter((one) => !report(one, subject.value))
  console.log(`${subject.value.cases.length} cases, ${failed.length} failed.`)
  if (failed.length > 0) process.exitCode = 1
} else {
  for (const line of subject.error) console.error(line)
  process.exitCode = 1
}

function report(one: ResidencyCase, mesh: Subject): boolean {
  const failures = failuresOf(one, mesh)
  console.log(failures.length === 0 ? `ok    ${one.name}` : `FAIL  ${one.name}: ${failures.join('; ')}`)
  return failures.length === 0
}

function read(): Result<Subject, readonly string[]> {
  const args = readArguments(process.argv.slice(2))
  if (args === undefined) return err([USAGE])
  const mode = parseMeshMode(args.mode ?? modeOfWrangler())
  if (!mode.ok) return err([mode.error])
  const files = [args.config ?? fromRoot('mesh.toml'), args.cases ?? fromRoot('mesh.test.toml')] as const
  const [configText, casesText] = [readText(files[0]), readText(files[1])]
  if (configText === undefined) return err([`${files[0]} cannot be read.`])
  if (casesText === undefined) return err([`${files[1]} cannot be read.`])
  const config = parseMeshConfig(configText, { mode: mode.value })
  if (!config.ok) return err(config.error.map(describeProblem))
  const cases = parseCases(casesText)
  return cases.ok ? ok({ config: config.value, mode: mode.value, cases: cases.value }) : cases
}

function readArguments(
  args: string[],
): { readonly cases?: string; readonly config?: string; readonly mode?: string } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { config: { type: 'string' }, mode: { type: 'string' } },
      allowPositionals: true,
    })
    const [cases, ...more] = positionals
    if (more.length > 0) return undefined
    return { ...values, ...(cases === undefined ? {} : { cases }) }
  } catch {
    // parseArgs throws on an option it does not know; the usage line says which it does.
    return undefined
  }
}
