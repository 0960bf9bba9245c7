/** `mesh import`: the config of another gateway becomes a mesh.toml, and a list of what does not carry over. */
import type { Command } from 'commander'
import { modeOfWrangler } from '../../config/files.ts'
import { collect, group, localCommand, type JsonOption, type Shell } from '../command.ts'
import type { Finding } from '../import/draft.ts'
import type { Imported, ImportQuestion } from '../import/run.ts'
import { EXIT, printable, refused, type Outcome } from '../outcome.ts'
import type { World } from '../world.ts'

interface Options extends JsonOption {
  readonly region?: readonly string[]
  readonly place?: readonly string[]
  readonly floor?: string
  readonly tenant: string
  readonly contextLength: string
  readonly mode?: string
  readonly acceptWidening?: true
  readonly acceptSharedPrefix?: true
  readonly output?: string
  readonly cases?: string
  readonly force?: true
  readonly keys?: string
  readonly teams?: string
  readonly model?: readonly string[]
  readonly provider?: readonly string[]
}

const PLACES = `
Where pools are stands in no such config. --region names a region and whose rules hold there; --place says which host is in
which. A pool that nobody placed is left out. Every tenant gets a floor: without --floor, the jurisdictions of what is imported.`

export function addImportCommands(program: Command, shell: Shell): void {
  const importer = group(program, 'import', "turn another gateway's config into a mesh.toml")
  withPlaces(localCommand(importer, 'litellm <file>', "LiteLLM's config.yaml"))
    .option('--keys <file>', 'its keys, by their hash: what /key/list?return_full_object=true gave, JSON')
    .option('--teams <file>', 'its teams: what /team/list gave, JSON')
    .addHelpText(
      'after',
      `${PLACES}

Example:
  mesh import litellm config.yaml --region eu-central:eu --region us-east:us \\
    --place my-eu.openai.azure.com=eu-central --place '*=us-east' -o mesh.toml`,
    )
    .action(async (file: string, options: Options) => {
      shell.end(
        await runImport('importLitellm', file, { options, world: shell.world }),
        options.json === true,
      )
    })
  withPlaces(localCommand(importer, 'portkey <file>', "a config of Portkey's gateway, JSON"))
    .option('--model <name>', 'a model that clients ask for; may be repeated', collect)
    .option(
      '--provider <name=provider>',
      'which provider a virtual key or a slug stands for; may be repeated',
      collect,
    )
    .addHelpText(
      'after',
      `${PLACES}

Example:
  mesh import portkey config.json --model gpt-4o --provider openai-prod=openai \\
    --region us-east:us --place '*=us-east' -o mesh.toml`,
    )
    .action(async (file: string, options: Options) => {
      shell.end(
        await runImport('importPortkey', file, { options, world: shell.world }),
        options.json === true,
      )
    })
}

function withPlaces(command: Command): Command {
  return command
    .option('--region <id:jurisdiction[:lat:long]>', 'a region; may be repeated', collect)
    .option(
      '--place <host=region>',
      "which region a host is in, '*' for all others; may be repeated",
      collect,
    )
    .option('--floor <list>', 'jurisdictions of every tenant between commas, or anywhere')
    .option('--tenant <id>', 'the tenant of all, or of keys without a team', 'imported')
    .option('--context-length <tokens>', 'of models of which it is not known', '8192')
    .option('--mode <mode>', 'cloudflare, single:<jurisdiction> or dev; without it, that of wrangler.toml')
    .option('--accept-widening', 'go on without limits and guards that the mesh has no equal of')
    .option('--accept-shared-prefix', 'let tenants share prefix caches of pools that cannot keep them apart')
    .option('-o, --output <file>', 'where mesh.toml goes (default: standard output)')
    .option('--cases <file>', 'also write cases for `mesh config test`')
    .option('--force', 'write over files that are there')
}

/** What reads configs is loaded by those who need it: every command would wait for it. */
async function runImport(
  importer: 'importLitellm' | 'importPortkey',
  file: string,
  { options, world }: { readonly options: Options; readonly world: World },
): Promise<Outcome> {
  const { keys, teams, floor, contextLength, model, provider } = options
  const files = {
    text: world.read(file),
    keysText: keys && world.read(keys),
    teamsText: teams && world.read(teams),
  }
  const missing = [
    files.text === undefined ? file : '',
    keys !== undefined && files.keysText === undefined ? keys : '',
    teams !== undefined && files.teamsText === undefined ? teams : '',
  ].find((name) => name !== '')
  if (missing !== undefined) return refused(EXIT.usage, [`${missing} cannot be read.`])
  if (!/^[1-9][0-9]{0,7}$/.test(contextLength))
    return refused(EXIT.usage, ['--context-length: give a number of tokens.'])
  const question: ImportQuestion = {
    text: files.text ?? '',
    regions: options.region ?? [],
    places: options.place ?? [],
    ...(floor === undefined ? {} : { floor }),
    tenant: options.tenant,
    contextLength: Number(contextLength),
    mode: options.mode ?? modeOfWrangler() ?? '',
    acceptWidening: options.acceptWidening === true,
    acceptSharedPrefix: options.acceptSharedPrefix === true,
    nowMs: world.nowMs(),
    ...(files.keysText === undefined ? {} : { keysText: files.keysText }),
    ...(files.teamsText === undefined ? {} : { teamsText: files.teamsText }),
    ...(model === undefined ? {} : { models: model }),
    ...(provider === undefined ? {} : { providers: provider }),
  }
  const importers = await import('../import/run.ts')
  const imported = importers[importer](question)
  if (!imported.ok) {
    const { kind, lines } = imported.error
    return refused(kind === 'usage' ? EXIT.usage : EXIT.failed, lines.map(printable))
  }
  return deliver(imported.value, options, world)
}

async function deliver(
  imported: Imported,
  { output, cases, force }: Options,
  { write }: World,
): Promise<Outcome> {
  const { casesFor } = await import('../import/cases.ts')
  const overwrite = force === true
  const written = [
    ...(output === undefined ? [] : [[output, imported.toml] as const]),
    ...(cases === undefined ? [] : [[cases, casesFor(imported.config)] as const]),
  ]
  for (const [file, text] of written) {
    if (!write(file, text, { overwrite })) {
      return refused(EXIT.failed, [
        `${file} cannot be written${overwrite ? '' : ', or is there already (--force writes over it)'}.`,
      ])
    }
  }
  return {
    code: EXIT.ok,
    lines: output === undefined ? [imported.toml.trimEnd()] : [],
    errors: tellFindings(imported.findings),
    json: { toml: imported.toml, findings: imported.findings },
  }
}

const HEADS = [
  ['left_out', 'Left out'],
  ['guard', 'Given up, as you accepted'],
  ['lost', 'Has no equal here, and forbids nothing'],
  ['note', 'To know, and to do'],
] as const

function tellFindings(findings: readonly Finding[]): string[] {
  const found = HEADS.flatMap(([kind, head]) => {
    const lines = findings.filter((finding) => finding.kind === kind)
    if (lines.length === 0) return []
    return [`${head}:`, ...lines.map(({ where, reason }) => printable(`  ${where}: ${reason}`))]
  })
  return [
    ...found,
    'Check it with `mesh config check`, and say with `mesh config test` where requests may go.',
  ]
}
