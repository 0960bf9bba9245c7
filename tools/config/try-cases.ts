/** Tries an operator's own cases against a config: one verdict for each. */
import { err, ok, type Result } from '../../shared/result.ts'
import { failuresOf, parseCases } from '../../shared/config/cases.ts'
import { readConfigFile } from './check-config.ts'
import { fromRoot, readText } from './files.ts'

export interface TriedCase {
  readonly name: string
  /** What does not come out as expected; empty where all does. */
  readonly failures: readonly string[]
}

/** Without files, those of this checkout. Fails with lines for a person where there is nothing to try. */
export function tryCases(
  options: {
    readonly cases?: string | undefined
    readonly config?: string | undefined
    readonly mode?: string | undefined
  },
  read: (file: string) => string | undefined = readText,
): Result<readonly TriedCase[], readonly string[]> {
  const mesh = readConfigFile({ file: options.config ?? fromRoot('mesh.toml'), mode: options.mode }, read)
  if (!mesh.ok) return mesh
  const file = options.cases ?? fromRoot('mesh.test.toml')
  const text = read(file)
  if (text === undefined) return err([`${file} cannot be read.`])
  const cases = parseCases(text)
  if (!cases.ok) return cases
  return ok(cases.value.map((one) => ({ name: one.name, failures: failuresOf(one, mesh.value) })))
}

/** A line for each case, and one for them all. */
export function tellCases(tried: readonly TriedCase[]): readonly string[] {
  const failed = tried.filter(({ failures }) => failures.length > 0).length
  return [
    ...tried.map(({ name, failures }) =>
      failures.length === 0 ? `ok    ${name}` : `FAIL  ${name}: ${failures.join('; ')}`,
    ),
    `${tried.length} cases, ${failed} failed.`,
  ]
}
