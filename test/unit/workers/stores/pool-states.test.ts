/** What is seen of a pool is kept apart by where it is seen from. */
import { expect, test } from 'vitest'
import { onDispatch } from '../../../../shared/pool/snapshot.ts'
import { createPoolStates } from '../../../../workers/stores/pool-states.ts'

test('a pool nobody has used is not there, and counting begins at nothing', () => {
  const view = createPoolStates().seenFrom('eu')
  expect(view.all.size).toBe(0)
  view.update('p', (state) => onDispatch(state, 1))
  expect(view.all.get('p')).toMatchObject({ pending: 1, waiting: 1, waitingSinceMs: 1 })
})

test('regions do not see each other’s measurements, and each keeps its own', () => {
  const states = createPoolStates()
  states.seenFrom('eu').update('p', (state) => onDispatch(state, 1))
  expect(states.seenFrom('us').all.has('p')).toBe(false)
  expect(states.seenFrom('eu').all.get('p')?.pending).toBe(1)
})

test('a view shows what was updated after it was taken', () => {
  const states = createPoolStates()
  const { all } = states.seenFrom('eu')
  states.seenFrom('eu').update('p', (state) => onDispatch(state, 1))
  expect(all.get('p')?.pending).toBe(1)
})
