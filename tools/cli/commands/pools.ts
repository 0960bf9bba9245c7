/** `mesh pools`: what is known of the pools, and taking one out of the mesh. */
import type { Command } from 'commander'
import { z } from 'zod'
import type { AdminClient, MeshOptions } from '../admin-client.ts'
import { group, meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { EXIT, refused, told, type Outcome } from '../outcome.ts'
import { cell, table } from '../table.ts'

type Options = MeshOptions & JsonOption

/** What the mesh says of itself is read as loosely as it may change: a missing member is not known. */
const nullish = z.number().nullish()
const poolsAnswer = z.looseObject({
  seen_from: z.string(),
  pools: z.array(
    z.looseObject({
      id: z.string(),
      pending: nullish,
      breaker: z.string().nullish(),
      first_token_ms: nullish,
      region: z
        .looseObject({
          in_flight: nullish,
          tokens_per_second: nullish,
          drained: z.boolean().nullish(),
          breaker: z.string().nullish(),
          first_token_ms: nullish,
          load: z.looseObject({ waiting: nullish, kv_use: nullish }).nullish(),
        })
        .nullish(),
    }),
  ),
})
const drainAnswer = z.looseObject({ pool: z.string(), drained: z.boolean(), holds_within_ms: z.number() })

export type PoolsAnswer = z.output<typeof poolsAnswer>

export function addPoolCommands(program: Command, shell: Shell): void {
  const pools = group(program, 'pools', 'list the pools, take one out, put it back')
  meshCommand(pools, 'list', 'what the region around the edge that answers knows of each pool').action(
    async (options: Options) => {
      shell.end(await withMesh(options, shell.world, list), options.json === true)
    },
  )
  meshCommand(pools, 'drain <pool>', 'send nothing new to a pool; what runs there runs to its end').action(
    async (pool: string, options: Options) => {
      shell.end(
        await withMesh(options, shell.world, (client) => drain(client, pool, true)),
        options.json === true,
      )
    },
  )
  meshCommand(pools, 'undrain <pool>', 'put a pool back that was taken out').action(
    async (pool: string, options: Options) => {
      shell.end(
        await withMesh(options, shell.world, (client) => drain(client, pool, false)),
        options.json === true,
      )
    },
  )
}

/** Fails with what is to be told. */
export async function askForPools(client: AdminClient) {
  const answer = await client.ask('/admin/v1/pools')
  if (!answer.ok) return answer
  const read = poolsAnswer.safeParse(answer.value)
  return read.success
    ? ({ ok: true, value: read.data } as const)
    : ({ ok: false, error: NOT_UNDERSTOOD } as const)
}

export const NOT_UNDERSTOOD: Outcome = refused(EXIT.failed, [
  'The mesh gave an answer that this version of the command does not understand.',
])

export function poolTable({ pools }: PoolsAnswer): string[] {
  return table(
    ['pool', 'state', 'in flight', 'waiting', 'tokens/s', 'kv use', 'first token ms'],
    pools.map(({ id, region, breaker, first_token_ms: own }) => [
      id,
      region?.drained === true ? 'drained' : stateOf(region?.breaker ?? breaker),
      cell(region?.in_flight),
      cell(region?.load?.waiting),
      cell(region?.tokens_per_second),
      cell(region?.load?.kv_use),
      cell(region?.first_token_ms ?? own),
    ]),
  )
}

/** Words for people: a breaker that is open lets nothing through, which most read the other way round. */
function stateOf(breaker: string | null | undefined): string {
  if (breaker === 'open') return 'failing'
  if (breaker === 'half_open') return 'on trial'
  return breaker === 'closed' ? 'ok' : '-'
}

async function list(client: AdminClient): Promise<Outcome> {
  const answer = await askForPools(client)
  if (!answer.ok) return answer.error
  return told([`Seen from ${answer.value.seen_from}:`, ...poolTable(answer.value)], answer.value)
}

async function drain(client: AdminClient, pool: string, isDrained: boolean): Promise<Outcome> {
  const answer = await client.ask(`/admin/v1/pools/${encodeURIComponent(pool)}/drain`, {
    method: isDrained ? 'POST' : 'DELETE',
  })
  if (!answer.ok) return answer.error
  const read = drainAnswer.safeParse(answer.value)
  if (!read.success) return NOT_UNDERSTOOD
  const within = `${Math.ceil(read.data.holds_within_ms / 1000)} s`
  return told(
    [
      isDrained
        ? `${pool} is taken out. Within ${within} nothing new goes there; what runs there runs to its end.`
        : `${pool} is put back. Within ${within} it is asked again.`,
    ],
    read.data,
  )
}
