/**
 * An exported audit log: lines of JSON. The first is `{"heads":"<JWS>"}`, then come the entries that it speaks of, chain by
 * chain. Every line is canonical JSON (RFC 8785), so that there is one way to write what was signed: a member that stands
 * twice, of which every reader takes another, is no entry of ours.
 */
import { canonicalize } from '../fingerprint/canonicalize.ts'
import { isObject } from '../is-object.ts'
import { err, ok, type Result } from '../result.ts'
import type { ChainLink } from './chain.ts'
import type { AuditEntry } from './entry.ts'

export interface AuditExport {
  /** Compact JWS, not verified. */
  readonly heads: readonly string[]
  /** In the order of the lines. */
  readonly entries: readonly ChainLink[]
}

/** Which line, counted from 1, is none of an export. */
export interface BadLine {
  readonly line: number
}

export function encodeHeadsLine(jws: string): string {
  return `${canonicalize({ heads: jws })}\n`
}

/** The line of an entry, as it is kept and exported; without its line feed. */
export function encodeEntry(entry: AuditEntry): string {
  return canonicalize(entry)
}

export function parseExport(text: string): Result<AuditExport, BadLine> {
  const heads: string[] = []
  const entries: ChainLink[] = []
  const lines = text.split('\n')
  // What is not ended by a line feed was cut.
  const rest = lines.pop()
  for (const [index, line] of lines.entries()) {
    const value = parseCanonical(line)
    if (value === undefined) return err({ line: index + 1 })
    if (isLink(value)) entries.push(value)
    else if (typeof value['heads'] === 'string') heads.push(value['heads'])
    else return err({ line: index + 1 })
  }
  return rest === '' ? ok({ heads, entries }) : err({ line: lines.length + 1 })
}

function parseCanonical(line: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    // The exception quotes the line.
    return undefined
  }
  return isObject(value) && canonicalize(value) === line ? value : undefined
}

function isLink(value: Readonly<Record<string, unknown>>): value is ChainLink {
  const { chain, seq, hash } = value
  return (
    typeof chain === 'string' && typeof hash === 'string' && Number.isSafeInteger(seq) && Number(seq) >= 1
  )
}
