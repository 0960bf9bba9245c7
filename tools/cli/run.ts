/** Runs one command line from its words to its exit code. */
import { CommanderError } from 'commander'
import { EXIT, type ExitCode, type Outcome } from './outcome.ts'
import { meshProgram } from './program.ts'
import type { World } from './world.ts'

/** `args` as they follow `mesh`. */
export async function runMesh(args: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok
  const program = meshProgram({
    world,
    end(outcome, isJson) {
      code = outcome.code
      tell(outcome, isJson, world)
    },
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Asked for, help is an answer; without a command it says what is missing.
    return error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
      ? EXIT.ok
      : EXIT.usage
  }
}

function tell({ lines = [], errors = [], json }: Outcome, isJson: boolean, world: World): void {
  if (isJson) {
    world.out(`${JSON.stringify(json, null, 2)}\n`)
    return
  }
  for (const line of lines) world.out(`${line}\n`)
  for (const line of errors) world.error(`${line}\n`)
}
