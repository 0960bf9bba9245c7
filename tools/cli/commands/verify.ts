/** `mesh receipt verify` and `mesh audit verify`: checks what a mesh has signed, on one's own machine. */
import type { Command } from 'commander'
import type { VerifyOptions, VerifyQuestion } from '../../verify/run.ts'
import { readUrl } from '../admin-client.ts'
import { collect, group, localCommand, type JsonOption, type Shell } from '../command.ts'
import { EXIT, refused, type Outcome } from '../outcome.ts'
import type { World } from '../world.ts'

type Options = VerifyOptions & JsonOption

const JWKS = [
  '--jwks <file|url>',
  "the mesh's /.well-known/jwks.json (default: that of the mesh in MESH_URL)",
] as const

export function addVerifyCommands(program: Command, shell: Shell): void {
  const receipt = group(program, 'receipt', 'check a receipt')
  localCommand(receipt, 'verify <file>', 'check that a receipt is genuine, and of this answer')
    .option(...JWKS)
    .option('--answer <file>', 'the answer as it was received, JSON or event stream')
    .option('--salt <salt>', 'what came beside the receipt')
    .option('--issuer <name>', 'who has to have signed it')
    .option('--audience <name>', 'whom it has to be for')
    .action(async (file: string, { json, ...options }: Options) => {
      shell.end(await check({ kind: 'receipt', file, options }, shell.world), json === true)
    })
  const audit = group(program, 'audit', 'check an audit log')
  localCommand(
    audit,
    'verify <file>',
    'check that an exported audit log is whole, unchanged, and all that was signed for',
  )
    .option(...JWKS)
    .option('--earlier <file>', 'an earlier export, which must still hold; may be repeated', collect)
    .action(async (file: string, { json, ...options }: Options) => {
      shell.end(await check({ kind: 'audit', file, options }, shell.world), json === true)
    })
}

async function check(question: VerifyQuestion, { environment }: World): Promise<Outcome> {
  const keys = question.options.jwks ?? keysOf(environment['MESH_URL'])
  if (keys === undefined) return refused(EXIT.usage, ['Whose keys? Give --jwks FILE|URL, or set MESH_URL.'])
  const { verify } = await import('../../verify/run.ts')
  const told = await verify({ ...question, options: { ...question.options, jwks: keys } })
  // What cannot be read is the wrong file; what does not hold has failed.
  if (!told.ok) return refused(EXIT.usage, [told.error])
  const { holds, lines } = told.value
  return { code: holds ? EXIT.ok : EXIT.failed, lines, json: { ok: holds, lines } }
}

function keysOf(url: string | undefined): string | undefined {
  const mesh = readUrl(url)
  return mesh.ok ? `${mesh.value}/.well-known/jwks.json` : undefined
}
