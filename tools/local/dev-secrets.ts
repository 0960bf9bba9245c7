/** Random secrets of this machine, made at the first start and kept in .warmpath/, readable by their owner only. */
import { createHash, randomInt, randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { formatKey, tenantOfKey } from '../../shared/schema/api-key.ts'
import { PROJECT_DIR } from '../build/wrangler.ts'

/** Where everything a local start keeps is; tests have a place of their own. */
export const STATE_DIR = process.env['WARMPATH_STATE_DIR'] ?? path.join(PROJECT_DIR, '.warmpath')
const SECRETS_FILE = path.join(STATE_DIR, 'secrets.json')
const RANDOM_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const RANDOM_LENGTH = 32

const secretsSchema = z.object({
  adminToken: z.string().min(32),
  fingerprintSecret: z.string().min(32),
  encryptionSecret: z.string().min(32),
  receiptKey: z.string().length(64),
  /** By tenant. */
  apiKeys: z.record(z.string(), z.string()),
})

export type DevSecrets = z.output<typeof secretsSchema>

/** A file of an earlier version has not all of them: what it has, its keys above all, is kept. */
const keptSchema = secretsSchema.partial({ encryptionSecret: true, receiptKey: true })

/** The secrets kept here, with a key for each of the tenants; what is missing or broken is made anew. */
export async function loadDevSecrets(tenants: readonly string[]): Promise<DevSecrets> {
  await mkdir(STATE_DIR, { recursive: true, mode: 0o700 })
  const kept = await readSecrets()
  const secrets: DevSecrets = {
    adminToken: kept?.adminToken ?? randomBytes(32).toString('hex'),
    fingerprintSecret: kept?.fingerprintSecret ?? randomBytes(32).toString('hex'),
    encryptionSecret: kept?.encryptionSecret ?? randomBytes(32).toString('hex'),
    receiptKey: kept?.receiptKey ?? randomBytes(32).toString('hex'),
    apiKeys: Object.fromEntries(tenants.map((tenant) => [tenant, keyOf(tenant, kept?.apiKeys[tenant])])),
  }
  // Keys of tenants that this config does not have are kept for the one that does.
  await writePrivately(
    SECRETS_FILE,
    JSON.stringify({ ...secrets, apiKeys: { ...kept?.apiKeys, ...secrets.apiKeys } }, null, 2),
  )
  return secrets
}

/** Writes a file that only its owner can read, also where it existed with other rights. */
export async function writePrivately(file: string, text: string): Promise<void> {
  await writeFile(file, `${text}\n`, { mode: 0o600 })
  await chmod(file, 0o600)
}

/** SHA-256 of a text as lower-case hex: the form in which keys stand in a config. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function readSecrets(): Promise<z.output<typeof keptSchema> | undefined> {
  try {
    return keptSchema.parse(JSON.parse(await readFile(SECRETS_FILE, 'utf8')))
  } catch {
    // The first start, or a file somebody edited.
    return undefined
  }
}

function keyOf(tenant: string, kept: string | undefined): string {
  if (kept !== undefined && tenantOfKey(kept) === tenant) return kept
  const letters = Array.from(
    { length: RANDOM_LENGTH },
    () => RANDOM_LETTERS[randomInt(RANDOM_LETTERS.length)],
  )
  return formatKey(tenant, letters.join(''))
}
