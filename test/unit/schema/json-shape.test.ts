import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkJsonShape } from '../../../shared/schema/json-shape.ts'

const limits = { maxDepth: 32 }

describe('duplicate keys', () => {
  test.each([
    ['the same spelling', '{"model":"a","model":"b"}', 14],
    ['an escaped letter', '{"model":"a","mod\\u0065l":"b"}', 14],
    ['the escape first', '{"mod\\u0065l":"a","model":"b"}', 19],
    ['an escaped slash', '{"a/b":1,"a\\/b":2}', 10],
    ['spaces and line breaks', '{ "a" : 1 ,\n "a" : 2 }', 14],
    ['an empty key', '{"":1,"":2}', 7],
    ['far apart, with containers between', '{"a":[{"b":{}}],"c":{"a":1},"a":2}', 29],
    ['inside an array in an object', '{"x":[1,{"k":1,"k":2}]}', 16],
  ])('are found with %s', (_name, text, position) => {
    expect(checkJsonShape(text, limits)).toEqual({ ok: false, error: { reason: 'duplicate_key', position } })
  })

  test.each([
    ['the same key in two objects', '[{"a":1},{"a":1}]'],
    ['the same key in an inner object', '{"a":{"a":{"a":1}}}'],
    ['a value that equals its key', '{"a":"a","b":"a"}'],
    ['strings in arrays', '{"a":["b","b","a"],"b":1}'],
    ['braces, commas and quotes inside strings', '{"a":"{\\"a\\":1,\\"a\\":2}","b":"\\\\"}'],
    ['keys that differ in case', '{"a":1,"A":2}'],
    ['keys that differ by an escaped backslash', '{"a\\\\u0062":1,"ab":2}'],
    ['names of what objects inherit', '{"constructor":1,"toString":2,"hasOwnProperty":3}'],
  ])('are not seen in %s', (_name, text) => {
    expect(checkJsonShape(text, limits)).toEqual({ ok: true, value: undefined })
  })
})

test('refuses a __proto__ key in any spelling, at any depth, by its place among the members', () => {
  const error = { reason: 'unsupported_parameter', where: 'An object in the body', position: 2 }
  expect(checkJsonShape('{"a":1,"__proto__":{}}', limits)).toEqual({ ok: false, error })
  expect(checkJsonShape('[{"b":{"a":1,"\\u005f_proto__":1}}]', limits)).toEqual({ ok: false, error })
  expect(checkJsonShape('{"a":"__proto__"}', limits).ok).toBe(true)
})

test('takes exactly maxDepth levels, of objects and arrays alike', () => {
  const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2)
  expect(checkJsonShape(nested(32), limits).ok).toBe(true)
  const error = { reason: 'body_too_deep', maxDepth: 31 }
  expect(checkJsonShape(nested(32), { maxDepth: 31 })).toEqual({ ok: false, error })
})

test('stops at the limit in text that only opens', () => {
  for (const opener of ['[', '{', '{"a":', '[[{']) {
    const result = checkJsonShape(opener.repeat(200_000), limits)
    expect(result).toEqual({ ok: false, error: { reason: 'body_too_deep', maxDepth: 32 } })
  }
})

/** A JSON value as a tree whose objects may name a key twice, and a spelling for each key. */
type Tree =
  { object: { key: string; isEscaped: boolean; value: Tree }[] } | { array: Tree[] } | { leaf: unknown }

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ leaf: fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.constant(null)) }),
    fc.record({ array: fc.array(tie('tree'), { maxLength: 4 }) }),
    fc.record({
      object: fc.array(
        fc.record({
          // fast-check likes to try __proto__, which is refused for its name and has tests of its own.
          key: fc
            .oneof(fc.constantFrom('a', 'b', '"', '\\', '/', '', '{,'), fc.string())
            .filter((key) => key !== '__proto__'),
          isEscaped: fc.boolean(),
          value: tie('tree'),
        }),
        { maxLength: 5 },
      ),
    }),
  ),
}))

function write(node: Tree): string {
  if ('leaf' in node) return JSON.stringify(node.leaf)
  if ('array' in node) return `[${node.array.map(write).join(' ,')}]`
  return `{${node.object.map((member) => `${spell(member)}: ${write(member.value)}`).join(',\n')}}`
}

function spell({ key, isEscaped }: { key: string; isEscaped: boolean }): string {
  if (!isEscaped) return JSON.stringify(key)
  const units = Array.from({ length: key.length }, (_, index) => key.charCodeAt(index))
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`
}

function repeatsKey(node: Tree): boolean {
  if ('leaf' in node) return false
  if ('array' in node) return node.array.some(repeatsKey)
  const keys = new Set(node.object.map((member) => member.key))
  return keys.size < node.object.length || node.object.some((member) => repeatsKey(member.value))
}

function depth(node: Tree): number {
  if ('leaf' in node) return 0
  const inner = 'array' in node ? node.array : node.object.map((member) => member.value)
  return 1 + Math.max(0, ...inner.map(depth))
}

test('agrees with a walk over the tree that the text was written from', () => {
  fc.assert(
    fc.property(tree, fc.integer({ min: 1, max: 6 }), (node, maxDepth) => {
      const isDeep = depth(node) > maxDepth
      const isRepeated = repeatsKey(node)
      const result = checkJsonShape(write(node), { maxDepth })
      expect(result.ok).toBe(!isDeep && !isRepeated)
      if (!result.ok && !isDeep) expect(result.error.reason).toBe('duplicate_key')
      if (!result.ok && !isRepeated) expect(result.error.reason).toBe('body_too_deep')
    }),
    { numRuns: 500 },
  )
})

test('points at the first character of the second key', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string(), { maxLength: 5 }), (key, others) => {
      const between = [...new Set(others)].filter((other) => other !== key && other !== '__proto__')
      fc.pre(key !== '__proto__')
      const start = `{${[key, ...between].map((name) => `${JSON.stringify(name)}:0`).join(',')},`
      const result = checkJsonShape(`${start}${JSON.stringify(key)}:0}`, limits)
      expect(result).toEqual({
        ok: false,
        error: { reason: 'duplicate_key', position: start.length + 1 },
      })
    }),
  )
})

test('never throws on garbage', () => {
  const scraps = fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '1', '\\u00', 'null', ' ')
  fc.assert(
    fc.property(fc.array(scraps, { maxLength: 40 }), (parts) => {
      expect(checkJsonShape(parts.join(''), limits)).toHaveProperty('ok')
    }),
    { numRuns: 1000 },
  )
})
