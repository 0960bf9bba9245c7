/** Workers that stand in for parts of a mesh and do not do what they should. */

export interface BrokenParts {
  /** In place of KV: every call to it fails, or is not answered. */
  readonly kv?: 'fails' | 'hangs'
  /** In place of the tenants' ledgers: whatever they are asked fails. */
  readonly ledger?: 'fails'
  /** In place of the tenants' audit logs, likewise. */
  readonly auditLog?: 'fails'
}

interface StandIns {
  readonly bindings: Readonly<Record<string, object>>
  readonly workers: readonly object[]
}

const WHAT_IT_DOES = {
  fails: "throw new Error('This part is broken')",
  hangs: 'await scheduler.wait(600_000)',
} as const

/** Bindings in place of the usual ones, and the Workers that they lead to. */
export function standInsFor({ kv, ledger, auditLog }: BrokenParts): StandIns {
  const bindings: Record<string, object> = {}
  const workers: object[] = []
  if (kv !== undefined) {
    bindings['ANSWERS'] = { type: 'worker', worker: 'broken-kv' }
    workers.push(
      aWorker(
        'broken-kv',
        `
      import { WorkerEntrypoint } from 'cloudflare:workers'
      export default class extends WorkerEntrypoint {
        async get() { ${WHAT_IT_DOES[kv]} }
        async put() { ${WHAT_IT_DOES[kv]} }
      }`,
      ),
    )
  }
  if (ledger !== undefined) {
    bindings['TENANT_LEDGER'] = {
      type: 'durable-object',
      worker: 'broken-ledger',
      exportName: 'TenantLedger',
    }
    const script = `
      import { DurableObject } from 'cloudflare:workers'
      export class TenantLedger extends DurableObject {
        async grantLease() { ${WHAT_IT_DOES[ledger]} }
      }
      export default {}`
    const exports = { TenantLedger: { type: 'durable-object', storage: 'sqlite' } }
    workers.push(aWorker('broken-ledger', script, { exports }))
  }
  if (auditLog !== undefined) {
    bindings['AUDIT_LOG'] = { type: 'durable-object', worker: 'broken-audit-log', exportName: 'AuditLog' }
    const script = `
      import { DurableObject } from 'cloudflare:workers'
      export class AuditLog extends DurableObject {
        async append() { ${WHAT_IT_DOES[auditLog]} }
        async chains() { ${WHAT_IT_DOES[auditLog]} }
        async find() { ${WHAT_IT_DOES[auditLog]} }
      }
      export default {}`
    const exports = { AuditLog: { type: 'durable-object', storage: 'sqlite' } }
    workers.push(aWorker('broken-audit-log', script, { exports }))
  }
  return { bindings, workers }
}

function aWorker(name: string, contents: string, more: object = {}): object {
  const modules = { 'index.js': { type: 'esm', contents } }
  const manifest = { mainModule: 'index.js', modules }
  return { config: { name, compatibilityDate: '2026-10-28', manifest, ...more } }
}
