/** Bindings whose names come from the config are checked before they are used. */
import { expect, test } from 'vitest'
import { fetcherBinding, textBinding, type Environment } from '../../../workers/environment.ts'

const FETCHER = { fetch: () => Promise.resolve(new Response()) }
const ENV = { TEXT: 'value', EMPTY: '', NUMBER: 5, FETCHER, NULL: null, OBJECT: {} } as unknown as Environment

test.each([
  ['TEXT', 'value'],
  ['EMPTY', undefined],
  ['NUMBER', undefined],
  ['FETCHER', undefined],
  ['MISSING', undefined],
  ['toString', undefined],
  ['__proto__', undefined],
])('the text of %s is %s', (name, value) => {
  expect(textBinding(ENV, name)).toBe(value)
})

test.each([
  ['FETCHER', FETCHER],
  ['TEXT', undefined],
  ['NULL', undefined],
  ['OBJECT', undefined],
  ['MISSING', undefined],
  ['constructor', undefined],
  ['__proto__', undefined],
])('the fetcher of %s is there or not', (name, value) => {
  expect(fetcherBinding(ENV, name)).toBe(value)
})
