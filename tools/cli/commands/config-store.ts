/** `mesh config` where the mesh stores its config: what a change would do, making it, and going back. */
import type { Command } from 'commander'
import { z } from 'zod'
import { isObject } from '../../../shared/is-object.ts'
import type { AdminClient, MeshOptions } from '../admin-client.ts'
import { meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { EXIT, printable, refused, told, type Outcome } from '../outcome.ts'
import { table } from '../table.ts'
import { tellDiff } from '../tell-diff.ts'
import type { World } from '../world.ts'
import { NOT_UNDERSTOOD } from './pools.ts'

type Options = MeshOptions & JsonOption

interface ChangeOptions extends Options {
  readonly expected?: string
  readonly note?: string
  readonly cases?: string
  readonly acceptWidening?: true
  readonly acceptOrphans?: true
}

const entry = z.looseObject({
  number: z.number(),
  version: z.string(),
  at: z.string(),
  act: z.string(),
  who: z.string(),
  note: z.string(),
})
const historyAnswer = z.looseObject({ entries: z.array(entry) })
const changeAnswer = z.looseObject({
  version: z.string(),
  changed: z.boolean(),
  replaced: z.string(),
  diff: z.unknown(),
})
const DEFAULT_FILE = 'mesh.toml'
const PATH = '/admin/v1/config'

export function addConfigStoreCommands(config: Command, { world, end }: Shell): void {
  meshCommand(config, 'diff [file]', 'say in words what a config would change (default: mesh.toml)')
    .option('--version <version>', 'a stored version in place of a file')
    .option('--against <version>', 'what it is compared with (default: the config in force)')
    .action(async (file: string | undefined, options: Options & { version?: string; against?: string }) => {
      end(
        await withMesh(options, world, (client) => diff(client, { file, ...options }, world)),
        options.json === true,
      )
    })
  withAcceptance(
    meshCommand(
      config,
      'put [file]',
      'put another config in force; returns when no older one is served (default: mesh.toml)',
    ),
  )
    .option('--cases <file>', 'cases that it has to satisfy, as for `mesh config test`')
    .action(async (file: string | undefined, options: ChangeOptions) => {
      end(
        await withMesh(options, world, (client) => put(client, { file, ...options }, world)),
        options.json === true,
      )
    })
  meshCommand(config, 'history', 'who changed the config, when and why, newest first')
    .option('--before <number>', 'go on from this entry')
    .action(async (options: Options & { before?: string }) => {
      end(await withMesh(options, world, (client) => history(client, options.before)), options.json === true)
    })
  meshCommand(config, 'show <version>', 'print the text of a stored version').action(
    async (version: string, options: Options) => {
      end(await withMesh(options, world, (client) => show(client, version)), options.json === true)
    },
  )
  withAcceptance(
    meshCommand(config, 'rollback <version>', 'go back to a stored version; the history keeps both'),
  ).action(async (version: string, options: ChangeOptions) => {
    end(await withMesh(options, world, (client) => rollback(client, version, options)), options.json === true)
  })
}

function withAcceptance(command: Command): Command {
  return command
    .option('--expected <version>', 'the version it replaces; if another one is in force, nothing changes')
    .option('--note <text>', 'why, for the history')
    .option('--accept-widening', 'tenants may be allowed more than before')
    .option('--accept-orphans', 'tenants may lose the last pool for a model')
}

async function diff(
  client: AdminClient,
  {
    file,
    version,
    against,
  }: { readonly file: string | undefined; readonly version?: string; readonly against?: string },
  { read }: World,
): Promise<Outcome> {
  if (file !== undefined && version !== undefined)
    return refused(EXIT.usage, ['Give a file or --version, not both.'])
  const text = version === undefined ? read(file ?? DEFAULT_FILE) : undefined
  if (version === undefined && text === undefined)
    return refused(EXIT.usage, [`${file ?? DEFAULT_FILE} cannot be read.`])
  const body = {
    ...(version === undefined ? { config: text } : { version }),
    ...(against === undefined ? {} : { against }),
  }
  const answer = await client.ask(`${PATH}/diff`, { method: 'POST', body })
  if (!answer.ok) return withDetails(answer.error)
  const compared = isObject(answer.value) ? answer.value : {}
  return told([`Against ${String(compared['against'])}:`, ...tellDiff(compared['diff'])], answer.value)
}

async function put(
  client: AdminClient,
  options: ChangeOptions & { readonly file: string | undefined },
  { read }: World,
): Promise<Outcome> {
  const { file = DEFAULT_FILE, cases } = options
  const text = read(file)
  if (text === undefined) return refused(EXIT.usage, [`${file} cannot be read.`])
  const casesText = cases === undefined ? undefined : read(cases)
  if (cases !== undefined && casesText === undefined) return refused(EXIT.usage, [`${cases} cannot be read.`])
  return change(client, options, {
    method: 'PUT',
    path: PATH,
    body: { config: text, ...(casesText === undefined ? {} : { cases: casesText }) },
  })
}

function rollback(client: AdminClient, version: string, options: ChangeOptions): Promise<Outcome> {
  return change(client, options, { method: 'POST', path: `${PATH}/rollback`, body: { version } })
}

async function change(
  client: AdminClient,
  { expected, note, acceptWidening, acceptOrphans }: ChangeOptions,
  { method, path, body }: { readonly method: 'PUT' | 'POST'; readonly path: string; readonly body: object },
): Promise<Outcome> {
  if (expected === undefined) return whichVersion(client)
  const answer = await client.ask(path, {
    method,
    body: {
      ...body,
      expected,
      ...(note === undefined ? {} : { note }),
      accept_widening: acceptWidening === true,
      accept_orphans: acceptOrphans === true,
    },
  })
  if (!answer.ok) return withDetails(answer.error)
  const read = changeAnswer.safeParse(answer.value)
  if (!read.success) return NOT_UNDERSTOOD
  const { version, changed, replaced } = read.data
  return told(
    [
      changed
        ? `${version} is in force in place of ${replaced}. No request is served under an older one any more.`
        : `${version} is in force already; nothing changed.`,
      ...tellDiff(read.data.diff),
    ],
    answer.value,
  )
}

/** A change names what it replaces, so that it does not undo what somebody else has just done. */
async function whichVersion(client: AdminClient): Promise<Outcome> {
  const answer = await client.ask(PATH)
  if (!answer.ok) return answer.error
  const version = isObject(answer.value) ? answer.value['version'] : undefined
  return refused(EXIT.usage, [
    `Which version does it replace? The one in force is ${String(version)}: look at \`mesh config diff\`, then give --expected ${String(version)}.`,
  ])
}

async function history(client: AdminClient, before: string | undefined): Promise<Outcome> {
  const query = before === undefined ? '' : `?before=${encodeURIComponent(before)}`
  const answer = await client.ask(`${PATH}/history${query}`)
  if (!answer.ok) return answer.error
  const read = historyAnswer.safeParse(answer.value)
  if (!read.success) return NOT_UNDERSTOOD
  const rows = read.data.entries.map(({ number, version, at, act, who, note }) => [
    String(number),
    version,
    at,
    act,
    who,
    note,
  ])
  return told(table(['no.', 'version', 'at', 'act', 'who', 'note'], rows), answer.value)
}

async function show(client: AdminClient, version: string): Promise<Outcome> {
  const answer = await client.ask(`${PATH}/versions/${encodeURIComponent(version)}`)
  if (!answer.ok) return answer.error
  const text = isObject(answer.value) ? answer.value['config'] : undefined
  return typeof text === 'string' ? told(text.trimEnd().split('\n'), answer.value) : NOT_UNDERSTOOD
}

/** With a refusal comes what an operator has to see: mistakes, cases that fail, what would be wider. */
function withDetails(outcome: Outcome): Outcome {
  const error = isObject(outcome.json) && isObject(outcome.json['error']) ? outcome.json['error'] : {}
  const answer = isObject(error['answer']) ? error['answer'] : {}
  const mistakes = Array.isArray(answer['mistakes'])
    ? answer['mistakes'].map((line) => printable(`  ${String(line)}`))
    : []
  return {
    ...outcome,
    errors: [
      ...(outcome.errors ?? []),
      ...mistakes,
      ...(answer['diff'] === undefined ? [] : tellDiff(answer['diff'])),
    ],
  }
}
