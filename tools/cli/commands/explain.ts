/** `mesh residency explain` and `mesh route explain`: what would become of a request that nobody sent. */
import type { Command } from 'commander'
import { formatMeshMode } from '../../../shared/config/mode.ts'
import type { PlacementExplanation } from '../../../shared/residency/explain.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { MeshOptions } from '../admin-client.ts'
import { collect, group, meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { EXIT, refused, told, type Outcome } from '../outcome.ts'
import { tellPlacement, tellRoute } from '../tell-explanation.ts'
import type { World } from '../world.ts'

interface Place {
  readonly tenant: string
  readonly key?: string
  readonly colo?: string
  readonly country?: string
  readonly continent?: string
  readonly host?: string
  readonly residency?: string
  readonly dataClass?: string
  readonly header?: readonly string[]
}

interface ResidencyOptions extends Place, MeshOptions, JsonOption {
  readonly model: string
  readonly config?: string
  readonly mode?: string
}

interface RouteOptions extends Place, MeshOptions, JsonOption {
  readonly model?: string
  readonly message?: string
  readonly body?: string
  readonly surface?: string
}

export function addExplainCommands(program: Command, shell: Shell): void {
  const { world } = shell
  const residency = group(program, 'residency', 'where requests may be processed and stored')
  withPlace(
    meshCommand(residency, 'explain', 'where a request might be processed and stored, and why not elsewhere'),
  )
    .requiredOption('--model <model>', 'what the client asks for')
    .option('--config <file>', 'ask this config, on this machine, and no mesh')
    .option(
      '--mode <mode>',
      'with --config: cloudflare, single:<jurisdiction> or dev; without it, that of wrangler.toml',
    )
    .action(async (options: ResidencyOptions) => {
      shell.end(await explainResidency(options, world), options.json === true)
    })
  const route = group(program, 'route', 'which pool a request would go to')
  withPlace(
    meshCommand(route, 'explain', 'which pool a request would go to now, and why, without sending it'),
  )
    .option('--model <model>', 'what the client asks for')
    .option('--message <text>', 'what its only message says', 'Hello.')
    .option('--body <file>', 'a whole request body in place of both; - for standard input')
    .option('--surface <surface>', 'chat or completions')
    .action(async (options: RouteOptions) => {
      shell.end(await explainRoute(options, world), options.json === true)
    })
}

function withPlace(command: Command): Command {
  return command
    .requiredOption('--tenant <tenant>', 'whose request it is')
    .option('--key <key>', 'id of the key it is sent with')
    .option('--colo <code>', 'data centre it arrives at, e.g. FRA')
    .option('--country <code>', "the client's country, e.g. DE")
    .option('--continent <code>', "the client's continent, e.g. EU")
    .option('--host <name>', 'host name it is sent to')
    .option('--residency <list>', 'as in x-mesh-residency: jurisdictions, regions or pools between commas')
    .option('--data-class <class>', 'as in x-mesh-data-class')
    .option('--header <name=value>', 'another header that rules ask about; may be repeated', collect)
}

async function explainResidency(options: ResidencyOptions, world: World): Promise<Outcome> {
  const headers = headersOf(options.header)
  if (!headers.ok) return refused(EXIT.usage, [headers.error])
  const { tenant, model, key, colo, country, continent, host, residency, dataClass } = options
  const question = {
    tenant,
    model,
    ...given({ key, colo, country, continent, host, data_class: dataClass }),
    ...(residency === undefined ? {} : { residency: residency.split(',').map((word) => word.trim()) }),
    headers: headers.value,
  }
  if (options.config !== undefined) return explainFrom(question, options, world)
  return withMesh(options, world, async (client) => {
    const answer = await client.ask('/admin/v1/residency/explain', { method: 'POST', body: question })
    if (!answer.ok) return answer.error
    return told(tellPlacement(answer.value), answer.value)
  })
}

/** What reads configs is loaded by those who need it: every command would wait for it. */
async function explainFrom(
  question: object,
  { config: file, mode }: ResidencyOptions,
  { read }: World,
): Promise<Outcome> {
  const { readConfigFile } = await import('../../config/check-config.ts')
  const { explainPlacement } = await import('../../../shared/residency/explain.ts')
  const { residencyQuestionSchema } = await import('../../../shared/schema/residency-question.ts')
  const asked = residencyQuestionSchema.safeParse(question)
  if (!asked.success) {
    const [issue] = asked.error.issues
    const flag = String(issue?.path[0] ?? 'question').replace('_', '-')
    return refused(EXIT.usage, [`--${flag}: give ${issue?.message ?? 'another value'}.`])
  }
  const mesh = readConfigFile({ file, mode }, read)
  if (!mesh.ok) return refused(EXIT.failed, mesh.error)
  const explained = explainPlacement(asked.data, mesh.value)
  if (!explained.ok) return refused(EXIT.failed, [`There is no such ${explained.error} in the config.`])
  const value: PlacementExplanation & { readonly mode: string } = {
    mode: formatMeshMode(mesh.value.mode),
    ...explained.value,
  }
  return told(tellPlacement(value), value)
}

async function explainRoute(options: RouteOptions, world: World): Promise<Outcome> {
  const headers = headersOf(options.header)
  if (!headers.ok) return refused(EXIT.usage, [headers.error])
  const body = bodyOf(options, world)
  if (!body.ok) return refused(EXIT.usage, [body.error])
  const { tenant, key, colo, country, continent, host, surface, residency, dataClass } = options
  const query = new URLSearchParams({ tenant, ...given({ key, colo, country, continent, host, surface }) })
  return withMesh(options, world, async (client) => {
    const answer = await client.ask(`/admin/v1/route/explain?${query.toString()}`, {
      method: 'POST',
      body: body.value,
      headers: {
        ...headers.value,
        ...given({ 'x-mesh-residency': residency, 'x-mesh-data-class': dataClass }),
      },
    })
    return answer.ok ? told(tellRoute(answer.value), answer.value) : answer.error
  })
}

function bodyOf({ body, model, message, surface }: RouteOptions, { read }: World): Result<string, string> {
  if (body !== undefined) {
    const text = read(body)
    return text === undefined ? err(`${body} cannot be read.`) : ok(text)
  }
  if (model === undefined) return err('Which model? Give --model, or a whole request with --body FILE.')
  return ok(
    JSON.stringify(
      surface === 'completions'
        ? { model, prompt: message }
        : { model, messages: [{ role: 'user', content: message }] },
    ),
  )
}

function headersOf(list: readonly string[] = []): Result<Readonly<Record<string, string>>, string> {
  const headers: Record<string, string> = {}
  for (const header of list) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9-]{0,63})[=:] ?([ -~]{0,1024})$/.exec(header) ?? []
    // The token goes in this one.
    if (name === undefined || value === undefined || name.toLowerCase() === 'authorization') {
      return err('--header: give NAME=VALUE, for any header but authorization.')
    }
    headers[name.toLowerCase()] = value
  }
  return ok(headers)
}

function given(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
