/** What all commands have in common: how one is added, and how its outcome gets out of the parser. */
import type { Command } from 'commander'
import { adminClient, type AdminClient, type MeshOptions } from './admin-client.ts'
import type { Outcome } from './outcome.ts'
import type { World } from './world.ts'

export interface Shell {
  readonly world: World
  /** Called once, by the command that ran. */
  readonly end: (outcome: Outcome, isJson: boolean) => void
}

export interface JsonOption {
  readonly json?: true
}

/** A folder of commands, such as `mesh pools`. */
export function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description)
}

/** A command that asks nobody. */
export function localCommand(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).option('--json', 'print JSON, for programs')
}

/** A command that asks a mesh. */
export function meshCommand(parent: Command, usage: string, description: string): Command {
  return localCommand(parent, usage, description)
    .option('--url <url>', 'address of the mesh (environment: MESH_URL)')
    .option(
      '--token-file <file>',
      'file that holds the admin token (environment: MESH_ADMIN_TOKEN, the token itself)',
    )
}

/** Runs what needs a mesh, or tells why there is none to ask. */
export async function withMesh(
  options: MeshOptions,
  world: World,
  run: (client: AdminClient) => Promise<Outcome>,
): Promise<Outcome> {
  const client = adminClient(options, world)
  return client.ok ? run(client.value) : client.error
}

/** May be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}
