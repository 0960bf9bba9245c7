import { expect, test } from 'vitest'
import { createTeller } from '../../../../tools/demo/tell.ts'

function listening(isColoured = false) {
  const written: string[] = []
  const teller = createTeller({ write: (text) => written.push(text), isColoured })
  return { teller, said: () => written.join('') }
}

test('a claim is told with its verdict, and one that is not true is remembered', () => {
  const { teller, said } = listening()
  teller.claim('Two and two are four.', true)
  teller.claim('Two and two are five.', false)
  expect(said()).toBe('  true   Two and two are four.\n  FALSE  Two and two are five.\n')
  expect({ claimed: teller.claimed(), untrue: teller.untrue() }).toEqual({
    claimed: 2,
    untrue: ['Two and two are five.'],
  })
})

test('long paragraphs are wrapped, and no word is lost', () => {
  const { teller, said } = listening()
  const text = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ')
  teller.say(text)
  expect(
    Math.max(
      ...said()
        .split('\n')
        .map(({ length }) => length),
    ),
  ).toBeLessThanOrEqual(90)
  expect(said().trim().split(/\s+/)).toEqual(text.split(' '))
})

test('a quote shows what came, however it was cut, and what happened where it happened', () => {
  for (const pieces of [
    ['The sea was calm.'],
    ['The s', 'ea', ' was', ' calm.'],
    Array.from('The sea was calm.'),
  ]) {
    const { teller, said } = listening()
    const quote = teller.quote()
    for (const piece of pieces) quote.write(piece)
    quote.mark('[gone]')
    for (const piece of ['Then', ' it\n', 'rose.']) quote.write(piece)
    quote.end()
    expect(said()).toBe('    | The sea was calm.\n    | [gone]\n    | Then it\n    | rose.\n\n')
  }
})

test('colours are for a terminal that wants them', () => {
  for (const isColoured of [true, false]) {
    const { teller, said } = listening(isColoured)
    teller.title('Title')
    teller.claim('So it is.', true)
    expect(said().includes('\u001B[')).toBe(isColoured)
  }
})
