import { describe, expect, test } from 'vitest'
import { anchorsOf } from '../../../shared/affinity/anchors.ts'
import { createHotAnchors } from '../../../shared/affinity/hot-anchors.ts'
import { chat, says, text } from './prompts.ts'

const SYSTEM = { role: 'system', content: text(700) }

/** A conversation with the system prompt that all have; its two anchors end at 706 bytes and at its end. */
function talk(about: number) {
  return anchorsOf(chat([SYSTEM, { role: 'user', content: text(300, about * 1000) }]), 'seed')
}

function other(about: number) {
  return anchorsOf(says(text(600, about * 1000 + 500)), 'seed')
}

function bytesAfter(requests: readonly ReturnType<typeof talk>[], poolCount: number) {
  const hot = createHotAnchors()
  for (const request of requests) hot.note(request)
  return hot.affinityAnchor(talk(0), poolCount)?.bytes
}

const talks = (count: number) => Array.from({ length: count }, (_, at) => talk(at))
const others = (count: number) => Array.from({ length: count }, (_, at) => other(at))

describe('the anchor that a prompt is hashed on', () => {
  test.each<[string, readonly ReturnType<typeof talk>[], number, number]>([
    ['is the shallowest at first', [], 10, 706],
    ['is the shallowest while few requests tell of shares', talks(9), 10, 706],
    ['leaves out one that all have', talks(10), 10, 1010],
    ['leaves out one that more than two shares of ten have', [...talks(21), ...others(79)], 10, 1010],
    ['keeps one that two shares of ten have', [...talks(20), ...others(80)], 10, 706],
    ['keeps any where there are two pools', talks(100), 2, 706],
    ['leaves out one that all have where there are three', talks(100), 3, 1010],
    ['is the deepest where all are hot', Array.from({ length: 100 }, () => talk(0)), 10, 1010],
    ['comes back once others have taken over', [...talks(1000), ...others(1000)], 10, 706],
    ['does not come back before', [...talks(1000), ...others(499)], 10, 1010],
  ])('%s', (_name, requests, poolCount, expected) => {
    expect(bytesAfter(requests, poolCount)).toBe(expected)
  })

  test('is none where the prompt has none', () => {
    const hot = createHotAnchors()
    const short = anchorsOf(says('hello'), 'seed')
    hot.note(short)
    expect(hot.affinityAnchor(short, 10)).toBeUndefined()
  })

  test('is the same for conversations that share it', () => {
    const hot = createHotAnchors()
    expect(hot.affinityAnchor(talk(1), 10)).toEqual(hot.affinityAnchor(talk(2), 10))
    for (const request of talks(50)) hot.note(request)
    expect(hot.affinityAnchor(talk(1), 10)).not.toEqual(hot.affinityAnchor(talk(2), 10))
  })
})
