/** Says how one config differs from another, with what is wider first. */
import { z } from 'zod'
import { printable } from './outcome.ts'

const lines = z.array(z.string()).default([])
const diff = z.looseObject({ widened: lines, orphaned: lines, narrowed: lines, changed: lines })

const HEADS = [
  ['widened', 'Allowed that was not (to be accepted with --accept-widening)'],
  ['orphaned', 'Without any pool (to be accepted with --accept-orphans)'],
  ['narrowed', 'Not allowed any more'],
  ['changed', 'Changed besides'],
] as const

/** What is not understood is shown as it came. */
export function tellDiff(value: unknown): string[] {
  const read = diff.safeParse(value)
  if (!read.success) return [printable(JSON.stringify(value) ?? '')]
  const told = HEADS.flatMap(([part, head]) => {
    const found = read.data[part]
    return found.length === 0 ? [] : [`${head}:`, ...found.map((line) => `  ${printable(line)}`)]
  })
  return told.length === 0 ? ['Nothing differs in what it does.'] : told
}
