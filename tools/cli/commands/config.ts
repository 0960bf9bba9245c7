/** `mesh config`: checks, tries and replaces what a mesh does. */
import type { Command } from 'commander'
import { formatMeshMode } from '../../../shared/config/mode.ts'
import { group, localCommand, type JsonOption, type Shell } from '../command.ts'
import { EXIT, refused, told, type Outcome } from '../outcome.ts'
import type { World } from '../world.ts'

interface ModeOption extends JsonOption {
  readonly mode?: string
}

const MODE = [
  '--mode <mode>',
  'cloudflare, single:<jurisdiction> or dev; without it, that of wrangler.toml',
] as const

export function addConfigCommands(program: Command, shell: Shell): Command {
  const config = group(program, 'config', 'check, try and replace mesh.toml')
  localCommand(
    config,
    'check [file]',
    'print every mistake in a config, or what it allows (default: mesh.toml)',
  )
    .option(...MODE)
    .action(async (file: string | undefined, options: ModeOption) => {
      shell.end(await check(file, options, shell.world), options.json === true)
    })
  localCommand(
    config,
    'test [cases]',
    'try your own cases of where requests may go (default: mesh.test.toml)',
  )
    .option('--config <file>', 'the config to try them on (default: mesh.toml)')
    .option(...MODE)
    .action(async (cases: string | undefined, options: ModeOption & { readonly config?: string }) => {
      shell.end(await test({ ...options, cases }, shell.world), options.json === true)
    })
  return config
}

/** What reads configs is loaded by those who need it: every command would wait for it. */
async function check(file: string | undefined, { mode }: ModeOption, { read }: World): Promise<Outcome> {
  const { readConfigFile } = await import('../../config/check-config.ts')
  const { summarize } = await import('../../config/summary.ts')
  const checked = readConfigFile({ file, mode }, read)
  if (!checked.ok) return refused(EXIT.failed, checked.error, { mistakes: checked.error })
  const { config, mode: found } = checked.value
  return told(summarize(config, found).split('\n'), {
    ok: true,
    mode: formatMeshMode(found),
    regions: config.regions.map(({ id }) => id),
    pools: config.pools.map(({ id }) => id),
    models: config.models.map(({ id }) => id),
    tenants: config.tenants.map(({ id }) => id),
  })
}

async function test(
  options: ModeOption & { readonly config?: string; readonly cases: string | undefined },
  { read }: World,
): Promise<Outcome> {
  const { tellCases, tryCases } = await import('../../config/try-cases.ts')
  const tried = tryCases(options, read)
  if (!tried.ok) return refused(EXIT.failed, tried.error)
  const isRight = tried.value.every(({ failures }) => failures.length === 0)
  return {
    code: isRight ? EXIT.ok : EXIT.failed,
    lines: tellCases(tried.value),
    json: { ok: isRight, cases: tried.value },
  }
}
