import { expect, test } from 'vitest'
import { renderEmbeddings } from '../../../shared/embedding/render.ts'
import { readVector } from '../../../shared/embedding/vector.ts'

const vector = readVector([1, -0.5]) ?? new Uint8Array()

test('an answer has the shape of OpenAI’s', () => {
  const json = [
    ...renderEmbeddings({
      vectors: [vector, vector],
      promptTokens: 4,
      model: 'a "model"',
      encoding: 'float',
    }),
  ].join('')
  expect(json).toBe(
    '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,-0.5]},' +
      '{"object":"embedding","index":1,"embedding":[1,-0.5]}],"model":"a \\"model\\"",' +
      '"usage":{"prompt_tokens":4,"total_tokens":4}}',
  )
})

test('in base64 a vector is a text, and a count that nobody stated is left out', () => {
  const json = [...renderEmbeddings({ vectors: [vector], model: 'm', encoding: 'base64' })].join('')
  expect(json).toBe(
    '{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAL8="}],"model":"m"}',
  )
})

test('each vector is a piece of its own', () => {
  const pieces = [...renderEmbeddings({ vectors: [vector, vector], model: 'm', encoding: 'float' })]
  expect(pieces.filter((piece) => piece.includes('"embedding":['))).toHaveLength(2)
})
