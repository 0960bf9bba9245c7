/** `mesh keys`: a tenant's API keys, made, replaced and taken back while the mesh runs. */
import type { Command } from 'commander'
import { z } from 'zod'
import type { AdminClient, MeshOptions } from '../admin-client.ts'
import { collect, group, meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { EXIT, refused, told, type Outcome } from '../outcome.ts'
import { cell, table } from '../table.ts'
import { NOT_UNDERSTOOD } from './pools.ts'

type Options = MeshOptions & JsonOption

interface CreateOptions extends Options {
  readonly expiresIn?: string
  readonly model?: readonly string[]
  readonly dataClass?: readonly string[]
}

const names = z.array(z.string()).optional()
const listAnswer = z.looseObject({
  keys: z.array(
    z.looseObject({
      id: z.string(),
      from: z.string(),
      state: z.string(),
      expires_at: z.string().nullish(),
      overlap_until: z.string().nullish(),
      models: names,
      data_classes: names,
    }),
  ),
})
const secretAnswer = z.looseObject({ id: z.string(), key: z.string() })
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

export function addKeyCommands(program: Command, { world, end }: Shell): void {
  const keys = group(program, 'keys', "list, make, replace and revoke a tenant's API keys")
  meshCommand(keys, 'list <tenant>', 'all keys, without their secrets').action(
    async (tenant: string, options: Options) => {
      end(await withMesh(options, world, (client) => list(client, tenant)), options.json === true)
    },
  )
  meshCommand(keys, 'create <tenant> <id>', 'make a key, and show it this once')
    .option('--expires-in <time>', 'how long it is good for, e.g. 30d, 12h')
    .option('--model <model>', 'open this model only; may be repeated', collect)
    .option('--data-class <class>', 'let it claim this class of data only; may be repeated', collect)
    .action(async (tenant: string, id: string, options: CreateOptions) => {
      end(
        await withMesh(options, world, (client) => create(client, { tenant, id }, options)),
        options.json === true,
      )
    })
  meshCommand(keys, 'rotate <tenant> <id>', 'give a key another secret, and show it this once')
    .option('--overlap <time>', 'how long the old one counts on, e.g. 1h; 0s returns when it is gone', '1d')
    .action(async (tenant: string, id: string, options: Options & { readonly overlap: string }) => {
      end(
        await withMesh(options, world, (client) => rotate(client, { tenant, id }, options.overlap)),
        options.json === true,
      )
    })
  meshCommand(
    keys,
    'revoke <tenant> <id>',
    'take a key back; returns when nothing is served for it any more',
  ).action(async (tenant: string, id: string, options: Options) => {
    end(await withMesh(options, world, (client) => revoke(client, { tenant, id })), options.json === true)
  })
}

interface KeyName {
  readonly tenant: string
  readonly id: string
}

async function list(client: AdminClient, tenant: string): Promise<Outcome> {
  const answer = await client.ask(keysPath(tenant))
  if (!answer.ok) return answer.error
  const read = listAnswer.safeParse(answer.value)
  if (!read.success) return NOT_UNDERSTOOD
  const rows = read.data.keys.map(
    ({ id, from, state, expires_at: expires, overlap_until: overlap, models, data_classes: classes }) => [
      id,
      from,
      state,
      cell(expires),
      cell(overlap),
      models?.join(' ') ?? 'all',
      classes?.join(' ') ?? 'all',
    ],
  )
  return told(
    table(['key', 'from', 'state', 'expires', 'old one until', 'models', 'data classes'], rows),
    answer.value,
  )
}

async function create(
  client: AdminClient,
  { tenant, id }: KeyName,
  options: CreateOptions,
): Promise<Outcome> {
  const { expiresIn, model, dataClass } = options
  const seconds = expiresIn === undefined ? undefined : secondsIn(expiresIn)
  if (expiresIn !== undefined && seconds === undefined) return WRONG_TIME('--expires-in')
  const body = {
    id,
    ...(seconds === undefined ? {} : { expires_in_seconds: seconds }),
    ...(model === undefined ? {} : { models: model }),
    ...(dataClass === undefined ? {} : { data_classes: dataClass }),
  }
  const answer = await client.ask(keysPath(tenant), { method: 'POST', body })
  return answer.ok ? secret(answer.value, '') : answer.error
}

async function rotate(client: AdminClient, { tenant, id }: KeyName, overlap: string): Promise<Outcome> {
  const seconds = secondsIn(overlap)
  if (seconds === undefined) return WRONG_TIME('--overlap')
  const path = `${keysPath(tenant)}/${encodeURIComponent(id)}/rotate`
  const answer = await client.ask(path, { method: 'POST', body: { overlap_seconds: seconds } })
  const old = seconds === 0 ? ' The old one is gone.' : ` The old one counts for another ${overlap}.`
  return answer.ok ? secret(answer.value, old) : answer.error
}

async function revoke(client: AdminClient, { tenant, id }: KeyName): Promise<Outcome> {
  const answer = await client.askText(`${keysPath(tenant)}/${encodeURIComponent(id)}`, { method: 'DELETE' })
  if (!answer.ok) return answer.error
  return told([`${id} of ${tenant} is revoked. Nothing is served for it any more.`], {
    tenant,
    id,
    revoked: true,
  })
}

/** The key alone on standard output, so that a script can catch it; what is to be said of it beside. */
function secret(answer: unknown, more: string): Outcome {
  const read = secretAnswer.safeParse(answer)
  if (!read.success) return NOT_UNDERSTOOD
  return {
    code: EXIT.ok,
    lines: [read.data.key],
    errors: [`This is ${read.data.id}. It is not shown again.${more}`],
    json: answer,
  }
}

const WRONG_TIME = (flag: string): Outcome =>
  refused(EXIT.usage, [`${flag}: give a time such as 30d, 12h, 15m or 0s.`])

function secondsIn(time: string): number | undefined {
  const [, count, unit = ''] = /^([0-9]{1,7})([smhd])$/.exec(time) ?? []
  return count === undefined ? undefined : Number(count) * (UNIT_SECONDS[unit] ?? 1)
}

function keysPath(tenant: string): string {
  return `/admin/v1/tenants/${encodeURIComponent(tenant)}/keys`
}
