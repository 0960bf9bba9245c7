/** Gathers a node's secrets from its environment and from files that the environment names; nothing else may hold them. */
import { createHash } from 'node:crypto'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Exporter } from '../../shared/schema/config-telemetry.ts'
import type { Pool } from '../../shared/schema/mesh.ts'

const REQUIRED = ['MESH_FINGERPRINT_SECRET', 'MESH_ENCRYPTION_SECRET', 'MESH_ADMIN_TOKEN']
const FILE_SUFFIX = '_FILE'
const MIN_CHARACTERS = 32
/** What serve sets itself, or what is no secret. */
const NOT_SECRET = ['MESH_MODE', 'MESH_CONFIG', 'MESH_NODE_PLACE', 'MESH_READINESS']
const DEV_PREFIX = 'MESH_DEV_'

/** What is called with a key of the operator's. */
type Callee = Pick<Pool | Exporter, 'auth'>

export interface SecretSources {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Undefined where it cannot be read. */
  readonly readText: (file: string) => string | undefined
  /** Values that a local start made, or that stand in this repository: whoever reads a disk or the code has them. */
  readonly known: ReadonlySet<string>
}

/** By name. The errors are sentences, which name a secret and never show one. */
export function readSecrets(
  callees: readonly Callee[],
  { environment, readText, known }: SecretSources,
): Result<Readonly<Record<string, string>>, readonly string[]> {
  const dev = Object.keys(environment).filter((name) => name.startsWith(DEV_PREFIX))
  const mistakes = dev.map((name) => `${name} is for a local start only: unset it.`)
  const secrets: Record<string, string> = {}
  const required = [...new Set([...REQUIRED, ...callees.flatMap(secretOf)])]
  for (const name of new Set([...required, ...namesIn(environment)])) {
    const value = readSecret(name, { environment, readText })
    if (!value.ok) mistakes.push(value.error)
    else if (value.value !== undefined) secrets[name] = value.value
    else if (required.includes(name)) {
      mistakes.push(
        `The secret ${name} is not set: set it, or ${name}${FILE_SUFFIX} to a file that holds it.`,
      )
    }
  }
  for (const [name, value] of Object.entries(secrets)) {
    if (known.has(value)) {
      mistakes.push(`The secret ${name} is one of a local start or of the tests: make a new one.`)
    } else if (name.startsWith('MESH_') && value.length < MIN_CHARACTERS) {
      mistakes.push(`The secret ${name} must have at least ${MIN_CHARACTERS} characters.`)
    }
  }
  const own = REQUIRED.flatMap((name) => secrets[name] ?? [])
  if (new Set(own).size < own.length)
    mistakes.push('Two of the secrets MESH_… are the same: make one for each.')
  return mistakes.length === 0 ? ok(secrets) : err(mistakes)
}

/** Keys of tenants that are known to others: `known` holds keys, the config their SHA-256. */
export function knownKeys(sha256s: readonly string[], known: ReadonlySet<string>): readonly string[] {
  const digests = new Set(Array.from(known, (key) => createHash('sha256').update(key).digest('hex')))
  return sha256s.filter((sha256) => digests.has(sha256))
}

/** Whatever of the product's is there: also what is optional, and what a later version asks for. */
function namesIn(environment: SecretSources['environment']): readonly string[] {
  const names = Object.keys(environment)
    .filter((name) => /^MESH_[A-Z0-9_]+$/.test(name) && !name.startsWith(DEV_PREFIX))
    .map((name) => (name.endsWith(FILE_SUFFIX) ? name.slice(0, -FILE_SUFFIX.length) : name))
  return names.filter((name) => !NOT_SECRET.includes(name))
}

function secretOf({ auth }: Callee): readonly string[] {
  return auth === undefined ? [] : [auth.slice(auth.indexOf(':') + 1)]
}

function readSecret(
  name: string,
  { environment, readText }: Pick<SecretSources, 'environment' | 'readText'>,
): Result<string | undefined, string> {
  const [value, file] = [environment[name], environment[`${name}${FILE_SUFFIX}`]]
  if (file === undefined || file === '') return ok(value === '' ? undefined : value)
  if (value !== undefined && value !== '')
    return err(`Both ${name} and ${name}${FILE_SUFFIX} are set: unset one.`)
  // Editors and `openssl rand` end a file with a line break.
  const text = readText(file)?.replace(/\r?\n$/, '')
  if (text === undefined || text === '')
    return err(`The file that ${name}${FILE_SUFFIX} names cannot be read, or is empty.`)
  return ok(text)
}
