/** Lays rows out in columns, for people. */
import { printable } from './outcome.ts'

const GAP = '  '

/** The head in capitals; cells to the left, but for columns that hold nothing but numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head.map((name) => name.toUpperCase()), ...rows.map((row) => row.map(printable))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isNumeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^(?:-|[\d.,%$]+)$/.test(row[column] ?? '')),
  )
  return lines.map((line) =>
    line
      .map((cell, column) =>
        isNumeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join(GAP)
      .trimEnd(),
  )
}

/** Names and values, one a line; what has no value is left out. */
export function pairs(values: Readonly<Record<string, string | number | undefined>>): string[] {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(width)}${GAP}${printable(String(value))}`)
}

/** `-` where nothing is known, which is not 0. */
export function cell(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(2)
  return typeof value === 'string' && value !== '' ? value : '-'
}
