/** The list of models: what a key may use, and no word of what it may not. */
import { NotFoundError } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KEYS } from '../support/mesh-config.ts'
import { collect, question } from './ask.ts'
import {
  describeOwn,
  HIDDEN_MODEL,
  openAi,
  openOwnTarget,
  openTarget,
  type OwnTarget,
  type Target,
} from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

test('the list has the model, as a card that SDKs can read', async () => {
  const models = await collect(openAi(target).models.list())
  expect(models.find(({ id }) => id === target.model)).toMatchObject({
    object: 'model',
    created: expect.any(Number),
    owned_by: expect.any(String),
  })
})

test('a model can be asked for by its name', async () => {
  const card = await openAi(target).models.retrieve(target.model)
  expect(card).toMatchObject({ id: target.model, object: 'model' })
})

test.each(['gone', 'org/gone', 'gone gone', '%', 'toString'])(
  'a model that does not exist (%s) is a NotFoundError with a code',
  async (name) => {
    const failure = await openAi(target)
      .models.retrieve(name)
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(NotFoundError)
    expect(failure).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
  },
)

describeOwn('models a key may not use', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget()
  })
  afterAll(() => own.stop())

  const restricted = () => openAi(own, { apiKey: KEYS['eu-bank'] })

  test('each key sees its own models', async () => {
    const names = async (client: typeof restricted) =>
      (await collect(client().models.list())).map(({ id }) => id).toSorted()
    expect(await names(() => openAi(own))).toEqual([HIDDEN_MODEL, 'story'].toSorted())
    expect(await names(restricted)).toEqual(['story'])
  })

  test('a model the key may not use looks like one that does not exist, also to a request', async () => {
    const ask = (model: string) =>
      restricted()
        .chat.completions.create({ ...question(own), model })
        .catch((error: unknown) => error)
    const retrieve = (model: string) =>
      restricted()
        .models.retrieve(model)
        .catch((error: unknown) => error)
    for (const attempt of [ask, retrieve]) {
      const hidden = await attempt(HIDDEN_MODEL)
      const missing = await attempt('no-such-model')
      expect(hidden).toBeInstanceOf(NotFoundError)
      expect(hidden).toHaveProperty('error', (missing as NotFoundError).error)
    }
  })
})
