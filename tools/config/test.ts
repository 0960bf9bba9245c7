/**
 * `npm run config:test -- [CASES] [--config FILE] [--mode MODE]`: tries the operator's own cases (mesh.test.toml) against a
 * config. One line for each; fails if one does not come out as expected, or if anything cannot be read.
 */
import { parseArgs } from 'node:util'
import { err } from '../../shared/result.ts'
import { tellCases, tryCases } from './try-cases.ts'

const USAGE =
  'Usage: npm run config:test -- [CASES] [--config FILE] [--mode cloudflare|single:<jurisdiction>|dev]'

const args = readArguments(process.argv.slice(2))
const tried = args === undefined ? err([USAGE]) : tryCases(args)
if (tried.ok) {
  for (const line of tellCases(tried.value)) console.log(line)
  if (tried.value.some(({ failures }) => failures.length > 0)) process.exitCode = 1
} else {
  for (const line of tried.error) console.error(line)
  process.exitCode = 1
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
