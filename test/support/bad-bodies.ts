/** Bodies that a client may send by mistake or on purpose, and what each must be answered with. */
import { BAD_FIELDS } from './bad-fields.ts'
import { bodyWith, HELLO, refusal, written, type BadBody } from './bad-body.ts'

const NOT_JSON: readonly (readonly [name: string, body: string])[] = [
  ['no body', ''],
  ['white space alone', ' \r\n\t'],
  ['a word', 'hello'],
  ['an opening brace', '{'],
  ['a body cut in a string', '{"model":"sto'],
  ['a body cut after a value', '{"model":"story"'],
  ['a trailing comma', written('"messages":[],')],
  ['single quotes', "{'model':'story'}"],
  ['a key without quotes', '{model:"story"}'],
  ['two values', `${bodyWith({})}${bodyWith({})}`],
  ['a comment', `${bodyWith({})} // please`],
  ['NaN', written('"temperature":NaN')],
  ['Infinity', written('"temperature":Infinity')],
  ['a leading zero', written('"max_tokens":01')],
  ['a plus sign', written('"max_tokens":+1')],
  ['a hexadecimal number', written('"max_tokens":0x10')],
  ['an escape that is none', written(String.raw`"user":"\x41"`)],
  ['a cut escape', written(String.raw`"user":"\u00"`)],
  ['a broken escape in a key', written(String.raw`"us\u00er":"x"`)],
  ['a line break in a string', written('"user":"a\nb"')],
  ['NUL in a string', written('"user":"a\0b"')],
  ['NUL behind the value', `${bodyWith({})}\0`],
  ['brackets that cross', written('"messages":[{]}')],
  ['too many closing brackets', `${bodyWith({})}]}]}`],
  ['a form', 'model=story&messages=hello'],
  ['XML', '<?xml version="1.0"?><model>story</model>'],
  ['UTF-16 without a mark', Buffer.from(bodyWith({}), 'utf16le').toString('latin1')],
]

const NOT_UTF8: readonly BadBody[] = (
  [
    ['a lone continuation byte', [0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half of a surrogate pair in three bytes', [0xed, 0xa0, 0x80]],
    ['a code point beyond the last', [0xf5, 0x80, 0x80, 0x80]],
    ['Latin-1', [0xe9]],
  ] as const
).map(([name, wrong]) => [name, bytes('{"model":"story","user":"', wrong, '"}'), refusal('invalid_utf8')])

const SHAPES: readonly BadBody[] = [
  ['UTF-16 with its mark', bytes([0xff, 0xfe], [0x7b, 0, 0x7d, 0]), refusal('invalid_utf8')],
  ['a hundred thousand brackets', '['.repeat(100_000), refusal('body_too_deep')],
  [
    'a hundred thousand brackets that match',
    '['.repeat(100_000) + ']'.repeat(100_000),
    refusal('body_too_deep'),
  ],
  [
    'a hundred thousand objects in a message',
    written(`"messages":[{"role":"user","content":${'{"a":'.repeat(100_000)}`),
    refusal('body_too_deep'),
  ],
  [
    'a schema of forty levels',
    bodyWith({ response_format: JSON.parse('{"a":'.repeat(40) + '1' + '}'.repeat(40)) as unknown }),
    refusal('body_too_deep'),
  ],
  ['two models', written('"model":"other"'), refusal('duplicate_key')],
  ['two models, one of them spelled', written(String.raw`"mod\u0065l":"other"`), refusal('duplicate_key')],
  ['the same model twice', written('"model":"story"'), refusal('duplicate_key')],
  [
    'two roles in a message',
    written('"messages":[{"role":"user","content":"a","role":"system"}]'),
    refusal('duplicate_key'),
  ],
  ['two limits', written('"max_tokens":1,"max_tokens":999999999'), refusal('duplicate_key')],
  ['a key that is __proto__', written('"__proto__":{"model":"other"}'), refusal('unsupported_parameter')],
  [
    'a key that is __proto__, spelled',
    written(String.raw`"__proto\u005f_":{}`),
    refusal('unsupported_parameter'),
  ],
  [
    'a __proto__ in a message',
    written('"messages":[{"role":"user","content":"a","__proto__":{"x":1}}]'),
    refusal('unsupported_parameter'),
  ],
  ['a key that is constructor', bodyWith({ constructor: {} }), refusal('unsupported_parameter')],
  ['a key that is toString', bodyWith({ toString: 'x' }), refusal('unsupported_parameter')],
  ['an empty key', bodyWith({ '': 1 }), refusal('unsupported_parameter')],
  ...['null', '42', '"text"', 'true', '[]', '[{}]'].map((value): BadBody => [
    `${value} in place of an object`,
    value,
    refusal('invalid_parameter', 'body'),
  ]),
]

const MODELS: readonly BadBody[] = [
  ['no model', '{"messages":[{"role":"user","content":"a"}]}', refusal('missing_parameter', 'model')],
  ['an empty object', '{}', refusal('missing_parameter', 'model')],
  ['a model that is null', bodyWith({ model: null }), refusal('missing_parameter', 'model')],
  ...[5, '', [], {}, true, 'm'.repeat(129), ['story']].map((model): BadBody => [
    `a model that is ${JSON.stringify(model).slice(0, 20)}`,
    bodyWith({ model }),
    refusal('invalid_parameter', 'model'),
  ]),
  ...[
    'gpt-9',
    'Story',
    'story ',
    ' story',
    'story\0',
    'story-8b',
    '__proto__',
    'constructor',
    '../story',
  ].map((model): BadBody => [
    `an unknown model ${JSON.stringify(model)}`,
    bodyWith({ model }),
    {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    },
  ]),
]

function messages(value: unknown): string {
  return bodyWith({ messages: value })
}

/** A user's message with this content. */
function content(value: unknown): string {
  return messages([{ role: 'user', content: value }])
}

const IMAGE = 'messages[0].content[0].image_url.url'

const MESSAGES: readonly BadBody[] = [
  ['no messages', '{"model":"story"}', refusal('missing_parameter', 'messages')],
  ['messages that are null', messages(null), refusal('missing_parameter', 'messages')],
  ...[[], 'hello', 5, {}, true].map((value): BadBody => [
    `messages that are ${JSON.stringify(value)}`,
    messages(value),
    refusal('invalid_parameter', 'messages'),
  ]),
  [
    'ten thousand messages',
    messages(Array.from({ length: 10_000 }, () => HELLO[0])),
    refusal('invalid_parameter', 'messages'),
  ],
  [
    'a hundred thousand empty messages',
    messages(Array.from({ length: 100_000 }, () => ({}))),
    refusal('invalid_parameter', 'messages'),
  ],
  ['a message that is null', messages([null]), refusal('invalid_parameter', 'messages[0]')],
  ['a message that is a word', messages(['hello']), refusal('invalid_parameter', 'messages[0]')],
  ['a message that is a list', messages([[HELLO[0]]]), refusal('invalid_parameter', 'messages[0]')],
  [
    'a message without a role',
    messages([{ content: 'a' }]),
    refusal('missing_parameter', 'messages[0].role'),
  ],
  [
    'a role that is none',
    messages([{ role: 'root', content: 'a' }]),
    refusal('invalid_parameter', 'messages[0].role'),
  ],
  [
    'a second message that is wrong',
    messages([...HELLO, { role: 'user', content: 5 }]),
    refusal('invalid_parameter', 'messages[1].content'),
  ],
  [
    'a message without content',
    messages([{ role: 'user' }]),
    refusal('missing_parameter', 'messages[0].content'),
  ],
  ['content that is a number', content(5), refusal('invalid_parameter', 'messages[0].content')],
  ['content that is an object', content({ text: 'a' }), refusal('invalid_parameter', 'messages[0].content')],
  ['content without a part', content([]), refusal('invalid_parameter', 'messages[0].content')],
  [
    'a part that is none',
    content([{ type: 'script', script: 'a' }]),
    refusal('invalid_parameter', 'messages[0].content[0].type'),
  ],
  [
    'a member that messages do not have',
    messages([{ role: 'user', content: 'a', cache_control: {} }]),
    refusal('unsupported_parameter'),
  ],
  ...[
    'https://example.com/cat.png',
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    '//example.com/cat.png',
    ' data:image/png;base64,AAAA',
    'javascript:alert(1)',
    '',
  ].map((url): BadBody => [
    `an image at ${JSON.stringify(url)}`,
    content([{ type: 'image_url', image_url: { url } }]),
    refusal('invalid_parameter', IMAGE),
  ]),
]

function bytes(...parts: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...(typeof part === 'string' ? Buffer.from(part) : part)]))
}

export const BAD_CHATS: readonly BadBody[] = [
  ...NOT_JSON.map(([name, body]): BadBody => [name, body, refusal('invalid_json')]),
  ...NOT_UTF8,
  ...SHAPES,
  ...MODELS,
  ...MESSAGES,
  ...BAD_FIELDS,
]
