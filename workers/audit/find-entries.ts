/** Entries of a tenant's audit log in the order of their time, whichever of its objects has them. */
import type { AuditPosition, AuditQuery } from '../objects/audit-log.ts'
import type { AuditLogRpc } from '../objects/audit-log-rpc.ts'

export interface FoundEntries {
  /** As in an export, without line feeds. */
  readonly lines: readonly string[]
  /** Where to go on; absent: there is no more. */
  readonly next?: AuditPosition
}

/** Rejects where one of the objects cannot be asked: a page that left its entries out would look whole. */
export async function findEntries(
  objects: readonly Pick<AuditLogRpc, 'find'>[],
  query: AuditQuery,
  limit: number,
): Promise<FoundEntries> {
  const pages = await Promise.all(objects.map((object) => object.find(query, limit)))
  const found = pages
    .flatMap(({ lines }) => lines.map((line) => ({ line, position: positionOf(line) })))
    .toSorted((a, b) => comparePositions(a.position, b.position))
  const taken = found.slice(0, limit)
  const last = taken.at(-1)
  const isMore = found.length > taken.length || pages.some(({ next }) => next !== undefined)
  return { lines: taken.map(({ line }) => line), ...(isMore && last ? { next: last.position } : {}) }
}

function positionOf(line: string): AuditPosition {
  // Lines are entries of ours.
  const { at, chain, seq } = JSON.parse(line) as { at: string; chain: string; seq: number }
  return { atMs: Date.parse(at), chain, seq }
}

/** As the objects have it: by time, then by chain as text, then by number. */
function comparePositions(a: AuditPosition, b: AuditPosition): number {
  if (a.atMs !== b.atMs) return a.atMs - b.atMs
  if (a.chain !== b.chain) return a.chain < b.chain ? -1 : 1
  return a.seq - b.seq
}
