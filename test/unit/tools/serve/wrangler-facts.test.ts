import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parseWranglerFacts } from '../../../../tools/serve/wrangler-facts.ts'

const OWN = readFileSync(path.resolve(import.meta.dirname, '../../../../wrangler.toml'), 'utf8')

test('the project’s own file says what the bundle needs', () => {
  const facts = parseWranglerFacts(OWN)
  expect(facts).toMatchObject({
    ok: true,
    value: { compatibilityFlags: ['enable_request_signal'], kvNamespaces: ['ANSWERS'] },
  })
  expect(facts.ok && facts.value.objects).toContainEqual({ binding: 'LOG_SHARD', className: 'LogShard' })
})

test.each([
  [
    '[[r2_buckets]]\nbinding = "FILES"',
    'wrangler.toml: serve cannot give the Worker what r2_buckets asks for.',
  ],
  [
    '[triggers]\ncrons = ["* * * * *"]',
    'wrangler.toml: serve cannot give the Worker what triggers asks for.',
  ],
  [
    '[[durable_objects.bindings]]\nname = "NEW"\nclass_name = "New"',
    'wrangler.toml: no migration makes New a class with SQLite.',
  ],
  [
    '[[migrations]]\ntag = "v9"\ndeleted_classes = ["LogShard"]',
    /^wrangler\.toml: serve cannot give the Worker what migrations\.\d+.* asks for\.$/,
  ],
])('what workerd has no equal of is refused: %s', (more, error) => {
  const facts = parseWranglerFacts(`${OWN}\n${more}\n`)
  expect(facts.ok ? '' : facts.error).toMatch(error)
})

test('a file that is no TOML is refused with its line', () => {
  expect(parseWranglerFacts('a = 1\nb =')).toEqual({
    ok: false,
    error: 'wrangler.toml, line 2: the text cannot be read as TOML.',
  })
})
