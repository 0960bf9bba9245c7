/**
 * `npm run config:check -- [FILE] [--mode MODE] [--deploy]`: prints every mistake in a config on a line of its own and fails,
 * or prints what the config says: which pools there are, and who may go where. `--deploy` also refuses what may run here only.
 */
import { parseArgs } from 'node:util'
import { err, ok, type Result } from '../../shared/result.ts'
import { STATE_DIR } from '../local/dev-secrets.ts'
import { knownSecrets } from '../serve/known-secrets.ts'
import { readConfigFile } from './check-config.ts'
import { deployMistakes } from './deploy-mistakes.ts'
import { variableNamesOfWrangler } from './files.ts'
import { summarize } from './summary.ts'

const USAGE = 'Usage: npm run config:check -- [FILE] [--mode cloudflare|single:<jurisdiction>|dev] [--deploy]'

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
  const read = readConfigFile(args)
  if (!read.ok) return read
  const { config, mode } = read.value
  const variables = variableNamesOfWrangler()
  const mistakes = args.isDeploy
    ? deployMistakes({ config, mode, variables, known: knownSecrets(STATE_DIR) })
    : []
  return mistakes.length === 0 ? ok(summarize(config, mode)) : err(mistakes)
}

interface Arguments {
  readonly file?: string
  readonly mode?: string
  readonly isDeploy: boolean
}

function readArguments(args: string[]): Arguments | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { mode: { type: 'string' }, deploy: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    const [file, ...more] = positionals
    if (more.length > 0) return undefined
    return {
      isDeploy: values.deploy,
      ...(file === undefined ? {} : { file }),
      ...(values.mode === undefined ? {} : { mode: values.mode }),
    }
  } catch {
    // parseArgs throws on an option it does not know; the usage line says which it does.
    return undefined
  }
}
