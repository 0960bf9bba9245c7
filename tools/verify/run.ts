/** Reads what is asked on the command line, and does it: what is told, or a sentence why it could not be looked at. */
import { parseArgs } from 'node:util'
import type { JSONWebKeySet } from 'jose'
import { err, ok, type Result } from '../../shared/result.ts'
import { verifyAudit } from './audit.ts'
import { nodeDigests } from './node-digests.ts'
import { verifyReceipt } from './receipt.ts'
import { parseKeyList } from './signed.ts'
import { readSource } from './source.ts'
import { tellAudit, tellReceipt, type Told } from './tell.ts'

const USAGE = `Usage: npm run verify -- receipt FILE --jwks FILE|URL [--answer FILE [--salt SALT]] [--issuer NAME] [--audience NAME]
       npm run verify -- audit FILE --jwks FILE|URL [--earlier FILE]…
--jwks is the mesh's /.well-known/jwks.json; --answer is what was received, JSON or event stream.`

const OPTIONS = {
  jwks: { type: 'string' },
  answer: { type: 'string' },
  salt: { type: 'string' },
  issuer: { type: 'string' },
  audience: { type: 'string' },
  earlier: { type: 'string', multiple: true },
} as const

export type VerifyOptions = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

export interface VerifyQuestion {
  readonly kind: 'receipt' | 'audit'
  /** Of what is to be checked; an address will do. */
  readonly file: string
  readonly options: VerifyOptions
}

/** `args` as in the usage. */
export async function run(args: readonly string[]): Promise<Result<Told, string>> {
  const asked = readArguments(args)
  return asked === undefined ? err(USAGE) : verify(asked)
}

/** Fails with a sentence where it cannot be looked at. */
export async function verify({ kind, file, options }: VerifyQuestion): Promise<Result<Told, string>> {
  const text = await readSource(file)
  if (text === undefined) return err(`${file} cannot be read.`)
  const keyText = await readSource(options.jwks ?? '')
  if (keyText === undefined) return err('The key list cannot be read.')
  const keys = parseKeyList(keyText)
  if (keys === undefined) return err('The key list is not a document such as /.well-known/jwks.json gives.')
  return kind === 'receipt' ? receipt(text, keys, options) : audit(text, keys, options)
}

async function receipt(
  text: string,
  keys: JSONWebKeySet,
  options: VerifyOptions,
): Promise<Result<Told, string>> {
  const { answer: answerFile, salt, issuer, audience } = options
  const answer = answerFile === undefined ? undefined : await readSource(answerFile)
  if (answerFile !== undefined && answer === undefined) return err(`${answerFile} cannot be read.`)
  const verified = await verifyReceipt(
    {
      text,
      keys,
      ...(answer === undefined ? {} : { answer }),
      ...(salt === undefined ? {} : { salt }),
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    },
    nodeDigests,
  )
  return ok(tellReceipt(verified))
}

async function audit(
  text: string,
  keys: JSONWebKeySet,
  options: VerifyOptions,
): Promise<Result<Told, string>> {
  const earlier: string[] = []
  for (const file of options.earlier ?? []) {
    const read = await readSource(file)
    if (read === undefined) return err(`${file} cannot be read.`)
    earlier.push(read)
  }
  return ok(tellAudit(await verifyAudit({ text, keys, earlier }, nodeDigests)))
}

function readArguments(args: readonly string[]): VerifyQuestion | undefined {
  try {
    const { values: options, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [kind, file, ...more] = positionals
    if ((kind !== 'receipt' && kind !== 'audit') || file === undefined || more.length > 0) return undefined
    return options.jwks === undefined ? undefined : { kind, file, options }
  } catch {
    // parseArgs throws on an option it does not know; the usage says which it does.
    return undefined
  }
}
