/** `mesh usage`: what a tenant has used, spent and saved in a period. */
import type { Command } from 'commander'
import type { AdminClient, MeshOptions } from '../admin-client.ts'
import { meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { readCsv } from '../csv.ts'
import { EXIT, refused, told, type Outcome } from '../outcome.ts'
import { table } from '../table.ts'

interface Options extends MeshOptions, JsonOption {
  readonly from?: string
  readonly to?: string
  readonly csv?: true
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

export function addUsageCommand(program: Command, shell: Shell): void {
  meshCommand(program, 'usage <tenant>', 'what a tenant used, spent and saved, by day, model, pool and key')
    .option('--from <day>', 'first day, e.g. 2026-11-01 (UTC)')
    .option('--to <day>', 'last day')
    .option('--csv', 'print CSV, for chargeback')
    .action(async (tenant: string, options: Options) => {
      shell.end(
        await withMesh(options, shell.world, (client) => usage(client, tenant, options)),
        options.json === true,
      )
    })
}

async function usage(
  client: AdminClient,
  tenant: string,
  { from, to, csv, json }: Options,
): Promise<Outcome> {
  const days = [from, to].filter((day) => day !== undefined)
  if (!days.every((day) => DAY.test(day)))
    return refused(EXIT.usage, ['--from, --to: give a day such as 2026-11-01.'])
  const query = new URLSearchParams({
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(json === true ? {} : { format: 'csv' }),
  })
  const path = `/admin/v1/tenants/${encodeURIComponent(tenant)}/usage?${query.toString()}`
  if (json === true) {
    const answer = await client.ask(path)
    return answer.ok ? told([], answer.value) : answer.error
  }
  const answer = await client.askText(path)
  if (!answer.ok) return answer.error
  if (csv === true) return told(answer.value.trimEnd().split(/\r?\n/), {})
  const [head, ...rows] = readCsv(answer.value)
  if (head === undefined || rows.length === 0) return told(['Nothing was used in this time.'], {})
  return told(table(head, rows), {})
}
