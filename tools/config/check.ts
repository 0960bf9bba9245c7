/**
 * `npm run config:check -- [FILE] [--mode MODE]`: prints every mistake in a config on a line of its own and fails,
 * or prints what the config says: which pools there are, and who may go where.
 */
import { parseArgs } from 'node:util'
import { parseMeshMode } from '../../shared/config/mode.ts'
import { describeProblem, parseMeshConfig } from '../../shared/config/parse.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { fromRoot, modeOfWrangler, readText } from './files.ts'
import { summarize } from './summary.ts'

const USAGE = 'Usage: npm run config:check -- [FILE] [--mode cloudflare|single:<jurisdiction>|dev]'

const result = checkFile()
if (result.ok) {
  console.log(result.value)
} else {
  for (const line of result.error) console.error(line)
  process.exitCode = 1
}

function checkFile(): Result<string, readonly string[]> {
  const args = readArguments(process.argv.slice(2))
  if (args === undefined) return err([USAGE])
  const mode = parseMeshMode(args.mode ?? modeOfWrangler())
  if (!mode.ok) return err([mode.error])
  const text = readText(args.file ?? fromRoot('mesh.toml'))
  if (text === undefined) return err([`${args.file ?? 'mesh.toml'} cannot be read.`])
  const config = parseMeshConfig(text, { mode: mode.value })
  return config.ok ? ok(summarize(config.value, mode.value)) : err(config.error.map(describeProblem))
}

function readArguments(args: string[]): { readonly file?: string; readonly mode?: string } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { mode: { type: 'string' } },
      allowPositionals: true,
    })
    const [file, ...more] = positionals
    if (more.length > 0) return undefined
    return {
      ...(file === undefined ? {} : { file }),
      ...(values.mode === undefined ? {} : { mode: values.mode }),
    }
  } catch {
    // parseArgs throws on an option it does not know; the usage line says which it does.
    return undefined
  }
}
