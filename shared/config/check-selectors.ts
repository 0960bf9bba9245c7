/** Finds selectors that select nothing in particular: to one reader they mean everything, to another nothing. */
import type { Draft } from './draft.ts'
import type { ConfigProblem } from './problem.ts'

export function checkSelectors({ tenants, rules }: Draft): ConfigProblem[] {
  return [
    ...tenants.entries.flatMap(({ value, path }) => [
      ...empty(
        value.floor,
        `${path}.floor`,
        'list jurisdictions, regions or pools, or write { anywhere = true }',
      ),
      ...empty(value.terminate, `${path}.terminate`, 'list jurisdictions, colos or hosts, or remove it'),
    ]),
    ...rules.entries.flatMap(({ value, path }) => [
      ...empty(value.only, `${path}.only`, 'list jurisdictions, regions or pools'),
      ...empty(value.except, `${path}.except`, 'list jurisdictions, regions or pools'),
      ...(value.only === undefined &&
      value.except === undefined &&
      value.sovereign === undefined &&
      value.storage === undefined
        ? [{ path, found: 'this rule does nothing', expected: 'give it only, except, sovereign or storage' }]
        : []),
    ]),
  ]
}

function empty(lists: object | undefined, path: string, expected: string): ConfigProblem[] {
  if (lists === undefined || Object.keys(lists).length > 0) return []
  return [{ path, found: 'it names nothing', expected }]
}
