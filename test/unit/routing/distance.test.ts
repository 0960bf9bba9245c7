import { expect, test } from 'vitest'
import { optimisticRttMs } from '../../../shared/routing/distance.ts'
import { regionOf } from './routing-fixtures.ts'

test.each([
  ['eu-central', 'eu-central', 1],
  ['eu-central', 'us-east', 66.1],
  ['eu-central', 'ap-southeast', 103.8],
  ['us-east', 'ap-southeast', 157.2],
])('light needs from %s to %s and back %d ms', (from, to, expected) => {
  expect(Math.abs(optimisticRttMs(regionOf(from), regionOf(to)) - expected)).toBeLessThan(1)
})
