/** The operators' documents name every metric and every field of the log that there is, and tests that there are. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COUNTERS, HISTOGRAMS } from '../../../shared/metrics/definitions.ts'
import { exposition } from '../../../shared/metrics/exposition.ts'
import { GAUGES } from '../../../shared/metrics/gauges.ts'

const METRICS = readFileSync('docs/metrics.md', 'utf8')
const FAILURES = readFileSync('docs/failure-modes.md', 'utf8')

/** Cells of the rows of all tables, without heads and rules. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'))
  const cells = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  return cells.filter(([first = '']) => !/^-+$/.test(first))
}

function codesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

const EXPOSED = [...exposition([], 0).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)

test('every metric has its row, and every row its metric', () => {
  const named = rowsOf(METRICS).flatMap(([name]) =>
    codesIn(name).filter((code) => /^(mesh|gen_ai)_/.test(code)),
  )
  expect(named.toSorted()).toEqual(EXPOSED.toSorted())
})

test('a metric’s row lists its labels', () => {
  const labels = new Map<string, readonly string[]>([
    ...Object.entries(COUNTERS).map(([name, row]) => [name, [...row.labels]] as const),
    ...Object.entries(HISTOGRAMS).map(([name, row]) => [name, [...row.labels]] as const),
    ...Object.entries(GAUGES).map(
      ([name, row]) => [name, ['pool', ...('label' in row ? [row.label] : [])]] as const,
    ),
  ])
  for (const [name = '', listed] of rowsOf(METRICS)) {
    const known = labels.get(codesIn(name)[0] ?? '')
    if (known !== undefined) expect(codesIn(listed), name).toEqual(known)
  }
})

test('every field of the line of a request is described', () => {
  const [, record = ''] = readFileSync('workers/stages/record.ts', 'utf8').split('edge.runtime.log({')
  const fields = [...record.matchAll(/^ {6}([a-z_]+): /gm)].map(([, field = '']) => field)
  expect(fields.length).toBeGreaterThan(20)
  const described = new Set(rowsOf(METRICS).flatMap(([name]) => codesIn(name)))
  expect(fields.filter((field) => !described.has(field))).toEqual([])
})

test('every failure is backed by a test that is there, under the name that is given', () => {
  const rows = rowsOf(FAILURES).slice(1)
  expect(rows.length).toBeGreaterThan(20)
  for (const [what, , , , backing = ''] of rows) {
    const path = /\]\(\.\.\/(test\/\S+)\)/.exec(backing)?.[1]
    const title = codesIn(backing)[0]
    if (path === undefined || title === undefined) throw new Error(`no test for: ${what}`)
    expect(readFileSync(path, 'utf8'), what).toContain(title)
  }
})

test('every figure that shows a failure is there', () => {
  const figures = rowsOf(FAILURES)
    .slice(1)
    .flatMap(([, , shown]) => codesIn(shown))
    .filter((code) => code.startsWith('mesh_'))
  const names = figures.map((figure) => figure.split(' ')[0] ?? '')
  expect(names.filter((name) => !EXPOSED.includes(name))).toEqual([])
})
