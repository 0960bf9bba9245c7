/** `mesh status`: the mesh at a glance, once or again and again. */
import type { Command } from 'commander'
import { z } from 'zod'
import type { AdminClient, MeshOptions } from '../admin-client.ts'
import { meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { readMetrics, tellCounted } from '../metrics.ts'
import { EXIT, refused, told, type Outcome } from '../outcome.ts'
import { pairs } from '../table.ts'
import type { World } from '../world.ts'
import { askForPools, NOT_UNDERSTOOD, poolTable } from './pools.ts'

interface Options extends MeshOptions, JsonOption {
  readonly watch?: string | true
}

const MIN_WATCH_SECONDS = 1
const WATCH_SECONDS = 2
/** ANSI: to the upper left corner, and clear what is below. */
const CLEAR = '\u001b[H\u001b[J'

const configAnswer = z.looseObject({
  version: z.string(),
  mode: z.string(),
  regions: z.array(z.looseObject({ id: z.string(), jurisdiction: z.string() })),
  models: z.array(z.string()),
  tenants: z.array(z.string()),
})

export function addStatusCommand(program: Command, shell: Shell): void {
  meshCommand(program, 'status', 'config, regions, pools, hit ratio and savings at a glance')
    .option('--watch [seconds]', `show it again and again, until Ctrl-C (default: every ${WATCH_SECONDS} s)`)
    .action(async (options: Options) => {
      shell.end(await status(options, shell.world), options.json === true)
    })
}

async function status(options: Options, world: World): Promise<Outcome> {
  const { watch } = options
  if (watch === undefined) return withMesh(options, world, look)
  const seconds = watch === true ? WATCH_SECONDS : Number(watch)
  if (!(seconds >= MIN_WATCH_SECONDS))
    return refused(EXIT.usage, ['--watch: give a number of seconds, at least 1.'])
  if (options.json === true)
    return refused(EXIT.usage, ['--watch is for people: ask again and again for --json.'])
  return withMesh(options, world, async (client) => {
    for (;;) {
      const outcome = await look(client)
      if (outcome.code !== EXIT.ok) return outcome
      if (world.isTerminal) world.out(CLEAR)
      for (const line of outcome.lines ?? []) world.out(`${line}\n`)
      if (!(await world.pause(seconds * 1000))) return told([], outcome.json)
    }
  })
}

async function look(client: AdminClient): Promise<Outcome> {
  const config = await client.ask('/admin/v1/config')
  if (!config.ok) return config.error
  const read = configAnswer.safeParse(config.value)
  if (!read.success) return NOT_UNDERSTOOD
  const pools = await askForPools(client)
  if (!pools.ok) return pools.error
  const counted = await readMetrics(client)
  const { version, mode, regions, models, tenants } = read.data
  return told(
    [
      ...pairs({
        mesh: client.url,
        config: version,
        mode,
        regions: regions.map(({ id, jurisdiction }) => `${id} (${jurisdiction})`).join(', '),
        models: models.length,
        tenants: tenants.length,
        'seen from': pools.value.seen_from,
        ...(counted === undefined ? {} : tellCounted(counted)),
      }),
      '',
      ...poolTable(pools.value),
    ],
    { config: read.data, ...pools.value, counted: counted ?? null },
  )
}
