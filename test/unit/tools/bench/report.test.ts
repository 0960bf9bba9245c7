/** What a bench prints, of measurements that are written out here: nothing is timed. */
import { describe, expect, test } from 'vitest'
import { markdownTable, shown } from '../../../../tools/bench/markdown-table.ts'
import { reportOf, type Measured } from '../../../../tools/bench/report.ts'
import { summarize } from '../../../../tools/bench/statistics.ts'

const MEASURED: Measured = {
  hits: new Map([['hit from KV, end', [3, 1, 2]]]),
  firstToken: new Map([['added by a shared miss', [0.5, 0.7]]]),
  throughput: [{ what: 'hits from a shard', answersPerSecond: 1234.5, cpuMs: 0.81 }],
  relay: [{ what: 'shared miss', cpuMicroseconds: 120.4 }],
  load: [
    {
      what: '100 of one log',
      readers: 100,
      cpuMs: 2010,
      memoryBeforeMib: 80,
      memoryPeakMib: 95.25,
      medianEndMs: 4012.3,
      lastEndMs: 4100,
    },
  ],
}

describe('a table', () => {
  test('has columns as wide as their widest cell, the first of text and the others of numbers', () => {
    expect(markdownTable(['what', 'ms'], [['a hit', '1.50']])).toBe(
      ['| what  |   ms |', '| ----- | ---: |', '| a hit | 1.50 |'].join('\n'),
    )
  })

  test('is not made of rows that have other columns', () => {
    expect(() => markdownTable(['what', 'ms'], [['a hit']])).toThrow('a row of 1 cells under 2 heads')
  })
})

test.each([
  [0.1234, '0.12'],
  [-4.567, '-4.57'],
  [45.67, '45.7'],
  [4567.8, '4568'],
])('%d is shown as %s', (value, text) => {
  expect(shown(value)).toBe(text)
})

test('medians and 95th percentiles lie between the samples, whatever their order', () => {
  expect(summarize([30, 10, 20])).toEqual({ p50: 20, p95: 29 })
  expect(summarize([7])).toEqual({ p50: 7, p95: 7 })
  expect(() => summarize([])).toThrow('nothing was measured')
})

describe('a report', () => {
  const report = reportOf({
    off: MEASURED,
    on: { ...MEASURED, hits: new Map() },
    heap: [{ what: '1 of one log', objects: { before: 4, during: 5 }, edge: { before: 6, during: 7.5 } }],
  })

  test('has a table for everything that was measured, without delays and with them', () => {
    expect(report.match(/^### .*$/gm)).toEqual([
      '### Known answers, and runs that are read on (ms)',
      '### Time to first token (ms)',
      '### Known answers per second',
      '### Relaying an answer that is being made',
      '### One shard under load, delays off',
      '### One shard under load, delays on',
      '### Live heap under load (MiB)',
    ])
    expect(report).toContain('| added by a shared miss |     0.60 | 0.69 |    0.60 | 0.69 |   2 |')
    expect(report).toContain(
      '| hits from a shard |           1235 |        0.81 |          1235 |        0.81 |',
    )
  })

  test('shares a load’s CPU among its readers and the 201 frames of each', () => {
    expect(report).toMatch(/\| 100 of one log \| +4012 \| +4100 \| +2010 \| +100 \| +80.0 \| +95.3 \|/)
  })

  test('says where there is nothing to show', () => {
    expect(report).toMatch(/\| hit from KV, end \| +2.00 \| +2.90 \| +none \| none \| +0 \|/)
  })
})
