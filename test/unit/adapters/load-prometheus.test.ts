import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_BODY_CHARS, readSamples } from '../../../workers/adapters/load/prometheus.ts'

/** The values of the one metric that is asked for. */
function valuesIn(body: string, name = 'load'): number[] | undefined {
  return readSamples(body, new Set([name]))
    .get(name)
    ?.map(({ value }) => value)
}

describe('reading a Prometheus exposition', () => {
  test.each<[string, string, number[]]>([
    ['a bare sample', 'load 3\n', [3]],
    ['one of every label set', 'load{engine="0"} 3.0\nload{engine="1"} 4.0\n', [3, 4]],
    ['a time behind the value', 'load{a="b"} 3 1395066363000\n', [3]],
    ['tabs, blanks and a comma too many', '\t load\t{ a = "b" ,\tc="d", }\t 3 \n', [3]],
    ['no blank behind the labels', 'load{a="b"}3\n', [3]],
    ['no labels in braces', 'load{} 3\n', [3]],
    ['line ends of Windows', '# TYPE load gauge\r\nload 3\r\n', [3]],
    ['an exponent', 'load 1.284503e+06\n', [1_284_503]],
    ['signs', 'load{a="1"} -2\nload{a="2"} +2\n', [-2, 2]],
    ['braces, quotes and hashes in a label', String.raw`load{a="} 9 # \" \\ \n",b="{"} 3` + '\n', [3]],
    [
      'other metrics, comments and empty lines around it',
      '# HELP load load 7\n\nloader 1\nload_total 2\nload 3\nunload 4\n',
      [3],
    ],
    ['a metric whose samples are apart', 'load{a="1"} 3\nother 1\nload{a="2"} 4\n', [3, 4]],
  ])('takes %s', (_name, body, expected) => {
    expect(valuesIn(body)).toEqual(expected)
  })

  test.each<[string, string]>([
    ['NaN', 'load NaN\n'],
    ['infinity', 'load +Inf\n'],
    ['negative infinity', 'load -Inf\n'],
    ['a number beyond all numbers', 'load 1e999\n'],
    ['hexadecimal', 'load 0x10\n'],
    ['no value', 'load\n'],
    ['a word', 'load much\n'],
    ['more than a value and a time', 'load 3 4 5\n'],
    ['a time that is none', 'load 3 now\n'],
    ['labels that do not end', 'load{a="b" 3\n'],
    ['a label without quotes', 'load{a=b} 3\n'],
    ['a label whose text does not end', 'load{a="b} 3\n'],
    ['a line longer than any of a gauge', `load{a="${'x'.repeat(5000)}"} 3\n`],
  ])('has a sample that is no number for %s', (_name, body) => {
    expect(valuesIn(body)).toEqual([NaN])
  })

  test('keeps labels as they were written', () => {
    const [sample] =
      readSamples(String.raw`load{a="x\"y",b=""} 3` + '\n', new Set(['load'])).get('load') ?? []
    expect(sample?.labels).toEqual(
      new Map([
        ['a', String.raw`x\"y`],
        ['b', ''],
      ]),
    )
  })

  test('has series of a histogram by their own names', () => {
    const body = 'wait_bucket{le="+Inf"} 9\nwait_sum 1.5\nwait_count 9\n'
    expect(valuesIn(body, 'wait')).toBeUndefined()
    expect(valuesIn(body, 'wait_sum')).toEqual([1.5])
  })

  test('leaves out the metric in which a body was cut, whose other samples are not known', () => {
    const whole = 'first 1\nload{engine="0"} 12\nload{engine="1"} 34\n'
    expect(valuesIn(whole)).toEqual([12, 34])
    expect(valuesIn(whole.slice(0, -1))).toBeUndefined()
    expect(valuesIn(whole.slice(0, -2))).toBeUndefined()
    expect(valuesIn(whole.slice(0, -2), 'first')).toEqual([1])
  })

  test('keeps a metric behind which another one had begun when the body was cut', () => {
    expect(valuesIn('load 12\n# HELP next\nnext 1')).toEqual([12])
  })

  test('looks at no more than it must', () => {
    const filler = '# '.padEnd(1023, 'x') + '\n'
    const beginning = 'early 1\n' + filler.repeat(MAX_BODY_CHARS / 1024)
    expect(valuesIn(`${beginning}load 3\n`)).toBeUndefined()
    expect(valuesIn(`${beginning}load 3\n`, 'early')).toEqual([1])
    const toTheEnd = '#'.repeat(MAX_BODY_CHARS - 8) + '\nload 3\n'
    expect(toTheEnd).toHaveLength(MAX_BODY_CHARS)
    expect(valuesIn(toTheEnd)).toBeUndefined()
  })

  test('reads back whatever is written by the format, in its order', () => {
    const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code))
    const label = fc.string({
      unit: fc.oneof(unit, fc.constantFrom('"', '\\', '\n', '}', ' ')),
      maxLength: 12,
    })
    const samples = fc.array(fc.tuple(label, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)))
    fc.assert(
      fc.property(samples, (list) => {
        const lines = list.map(([text, value]) => `load{x="${escaped(text)}"} ${value}\n`)
        const read = readSamples(lines.join(''), new Set(['load'])).get('load') ?? []
        expect(read.map(({ value }) => value)).toEqual(list.map(([, value]) => Number(value)))
        expect(read.map(({ labels }) => labels.get('x'))).toEqual(list.map(([text]) => escaped(text)))
      }),
    )
  })
})

/** As the format says: backslash, quote and line feed. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
