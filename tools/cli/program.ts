/** All commands of `mesh`, and how their help and their mistakes read. */
import { Command } from 'commander'
import type { Shell } from './command.ts'
import { addCacheCommands } from './commands/cache.ts'
import { addConfigCommands } from './commands/config.ts'
import { addConfigStoreCommands } from './commands/config-store.ts'
import { addExplainCommands } from './commands/explain.ts'
import { addImportCommands } from './commands/import.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addPoolCommands } from './commands/pools.ts'
import { addStatusCommand } from './commands/status.ts'
import { addUsageCommand } from './commands/usage.ts'
import { addVerifyCommands } from './commands/verify.ts'

const CODES = `
Exit codes: 0 done, 1 a check failed or the mesh refused, 2 the command line is wrong, 3 the mesh cannot be reached,
4 the mesh does not take the admin token. Commands that ask a mesh read MESH_URL and MESH_ADMIN_TOKEN.`

export function meshProgram(shell: Shell): Command {
  const program = new Command('mesh')
    .description('Looks into a Warmpath mesh, and runs it.')
    .addHelpText('after', CODES)
  addStatusCommand(program, shell)
  addPoolCommands(program, shell)
  addConfigStoreCommands(addConfigCommands(program, shell), shell)
  addKeyCommands(program, shell)
  addUsageCommand(program, shell)
  addCacheCommands(program, shell)
  addExplainCommands(program, shell)
  addVerifyCommands(program, shell)
  addImportCommands(program, shell)
  for (const command of all(program)) {
    command
      .helpCommand(false)
      .exitOverride()
      .showHelpAfterError(`(${pathOf(command)} --help says how)`)
      .configureOutput({
        writeOut: shell.world.out,
        writeErr: shell.world.error,
        // Whoever gives a token in an option that is none should not find it in a log.
        outputError: (text, write) => write(text.replace(/(unknown option '[^'=]*)=[^']*'/, "$1'")),
      })
      .helpOption('-h, --help', 'say this')
  }
  return program
}

/** Before its commands were added a command hands nothing down, so each is told. */
function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => all(child))]
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
