/** What a test mesh's audit logs say, as an auditor gets it. */
import { expect, vi } from 'vitest'
import { webCryptoDigests } from '../../workers/digests.ts'
import { LOGS_PER_TENANT } from '../../workers/audit/tenant-logs.ts'
import { createSigner } from '../../workers/receipts/signer.ts'
import { createTenantKeyring } from '../../workers/tenant-keys.ts'
import { admin } from './admin.ts'
import { RECEIPT_SEED, SECRETS, type TestMesh } from './mesh.ts'

export interface SeenEntry {
  readonly [member: string]: unknown
  readonly event: string
  readonly request_id: string
  readonly pools: readonly { readonly pool: string }[]
}

export interface AuditPage {
  readonly tenant: string
  readonly entries: readonly SeenEntry[]
  readonly next: string | null
}

export async function auditPage(mesh: TestMesh, tenant: string, query: object = {}): Promise<AuditPage> {
  const search = new URLSearchParams(query as Record<string, string>).toString()
  const response = await admin(mesh, 'FRA', `/tenants/${tenant}/audit?${search}`)
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return JSON.parse(text) as AuditPage
}

/** The entries of one request, when there are so many. */
export async function entriesOf(
  mesh: TestMesh,
  response: Pick<Response, 'headers'>,
  { tenant = 'eu-bank', count = 1 }: { readonly tenant?: string; readonly count?: number } = {},
): Promise<readonly SeenEntry[]> {
  const id = response.headers.get('x-request-id') ?? ''
  const found = async (): Promise<readonly SeenEntry[]> => {
    const { entries } = await auditPage(mesh, tenant, { request_id: id })
    expect(entries).toHaveLength(count)
    return entries
  }
  return vi.waitFor(found, { timeout: 10_000, interval: 100 })
}

export async function exportOf(mesh: TestMesh, tenant: string): Promise<string> {
  const response = await admin(mesh, 'FRA', `/tenants/${tenant}/audit/export`)
  expect(response.status).toBe(200)
  return response.text()
}

/** The keys that a test mesh signs with, as it publishes them. */
export async function publishedKeys() {
  const { keys } = await createSigner({ seed: Buffer.from(RECEIPT_SEED, 'hex'), retired: [] }).publishedKeys()
  return { keys: keys.map((key) => ({ ...key })) }
}

/** Names that the audit logs of some tenants have, where nothing has to be kept in a jurisdiction. */
export async function logNames(...tenants: readonly string[]): Promise<string[]> {
  const keyring = createTenantKeyring(webCryptoDigests.utf8(SECRETS.fingerprintSecret))
  const names: string[] = []
  for (const tenant of tenants) {
    const { objectName } = await keyring.of(tenant)
    for (let number = 0; number < LOGS_PER_TENANT; number += 1) names.push(`audit/${objectName}/${number}`)
  }
  return names
}

/** Which of some names audit logs exist under; throws where one exists under another. */
export async function existingLogs(mesh: TestMesh, names: readonly string[]): Promise<string[]> {
  const namespace = await mesh.miniflare.getDurableObjectNamespace('AUDIT_LOG', mesh.objectOwner)
  const known = new Map(names.map((name) => [namespace.idFromName(name).toString(), name]))
  const ids = await mesh.miniflare.listDurableObjectIds('AUDIT_LOG', mesh.objectOwner)
  return ids.map((id) => {
    const name = known.get(id)
    if (name === undefined) throw new Error('an audit log has a name that none should have')
    return name
  })
}

/** All rows of a log's tables, as text. */
export async function storedInLog(mesh: TestMesh, name: string): Promise<string> {
  const storage = await mesh.miniflare.unsafeGetDurableObjectStorage(mesh.objectOwner, 'AuditLog', { name })
  const tables = await storage.exec<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
  )
  const texts: string[] = []
  for (const table of tables) texts.push(JSON.stringify(await storage.exec(`SELECT * FROM "${table.name}"`)))
  return texts.join('\n')
}
