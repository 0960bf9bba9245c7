/** `mesh cache`: throws away what is cached for a tenant. */
import type { Command } from 'commander'
import { isObject } from '../../../shared/is-object.ts'
import type { AdminClient, MeshOptions } from '../admin-client.ts'
import { group, meshCommand, withMesh, type JsonOption, type Shell } from '../command.ts'
import { told, type Outcome } from '../outcome.ts'

export function addCacheCommands(program: Command, shell: Shell): void {
  const cache = group(program, 'cache', 'throw away what is cached')
  meshCommand(
    cache,
    'purge <tenant>',
    'destroy the key of all that is stored for a tenant; returns when none of it can be served any more',
  ).action(async (tenant: string, options: MeshOptions & JsonOption) => {
    const outcome = await withMesh(options, shell.world, (client) => purge(client, tenant))
    shell.end(outcome, options.json === true)
  })
}

async function purge(client: AdminClient, tenant: string): Promise<Outcome> {
  const answer = await client.ask(`/admin/v1/tenants/${encodeURIComponent(tenant)}/purge`, { method: 'POST' })
  if (!answer.ok) return answer.error
  const epoch = isObject(answer.value) ? answer.value['epoch'] : undefined
  return told(
    [
      `Nothing that was cached for ${tenant} before can be served any more${typeof epoch === 'number' ? ` (epoch ${epoch})` : ''}.`,
    ],
    answer.value,
  )
}
