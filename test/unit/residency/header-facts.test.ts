import { describe, expect, test } from 'vitest'
import {
  bothHeaderFacts,
  headerFactsOf,
  headerNamesOf,
  valuesOf,
} from '../../../shared/residency/header-facts.ts'
import { aMesh } from './a-mesh.ts'

const { rules } = aMesh({
  rules: [
    { id: 'a', match: { headers: [{ name: 'x-department', values: ['a'] }] }, storage: 'none' },
    {
      id: 'b',
      match: {
        headers: [
          { name: 'x-case', values: ['a'] },
          { name: 'x-department', values: ['b'] },
        ],
      },
      storage: 'none',
    },
    { id: 'c', storage: 'none' },
  ],
})
const NONE = { 'x-department': null, 'x-case': null }

function read(headers: Record<string, string>) {
  const asked: string[] = []
  const facts = headerFactsOf(rules, (name) => {
    asked.push(name)
    return new Headers(headers).get(name)
  })
  return { facts, asked }
}

test('only what rules ask about is read, each once', () => {
  expect([...headerNamesOf(rules)]).toEqual(['x-department', 'x-case'])
  expect(read({ authorization: 'Bearer x', 'X-Case': 'a, b' })).toEqual({
    facts: { ...NONE, 'x-case': 'a, b' },
    asked: ['x-department', 'x-case'],
  })
})

test('that a header is not there is known', () => {
  expect(read({}).facts).toEqual(NONE)
})

test.each([
  ['of full length', 'a'.repeat(128), 'a'.repeat(128)],
  ['longer than any value', 'a'.repeat(129), undefined],
  ['with bytes beyond ASCII', 'caf\u{e9}', undefined],
  ['with a tab inside', 'a\tb', undefined],
  ['that is empty', '', ''],
])('a header %s', (_name, text, expected) => {
  expect(read({ 'x-case': text }).facts['x-case']).toBe(expected)
})

test('each part of a header with commas is a value', () => {
  expect(valuesOf(' a , b b,,c')).toEqual(['a', 'b b', '', 'c'])
})

describe('two requests read as one', () => {
  test.each<
    [
      string,
      Record<string, string | null> | undefined,
      Record<string, string | null> | undefined,
      object | undefined,
    ]
  >([
    ['say what both say', { a: 'x' }, { a: 'y' }, { a: 'x,y' }],
    ['say what one says', { a: null }, { a: 'y' }, { a: 'y' }],
    ['say nothing if neither does', { a: null }, { a: null }, { a: null }],
    ['are not known where one is not', { a: 'x', b: 'x' }, { b: null }, { b: 'x' }],
    ['are not known if one is not', { a: 'x' }, undefined, undefined],
    ['are not known if the other is not', undefined, { a: 'x' }, undefined],
  ])('%s', (_name, one, other, expected) => {
    expect(bothHeaderFacts(one, other)).toEqual(expected)
  })
})
