/** What an engine writes whose next token follows from all before: vLLM's events, from wherever it is told to begin. */

/** The answer to everything, with characters of two, three and four bytes. */
export const TOKENS: readonly string[] = [
  'Es',
  ' war',
  ' einmal',
  ' ein',
  ' Käse',
  ',',
  ' der',
  ' 🧀',
  ' hieß',
  ':',
  ' „',
  'Rad',
  '“',
  '.',
  ' Er',
  ' rollte',
  ' da',
  'von',
  '…',
  ' Ende',
]

export const WHOLE_TEXT = TOKENS.join('')

/** Of the question, whatever it is. */
export const PROMPT_TOKENS = 7

export interface EngineOptions {
  /** Whether each event states how many tokens there are (vLLM's `continuous_usage_stats`); by default it does. */
  readonly counts?: boolean
  /** Whether it writes again what it was told to go on from, as llama.cpp does when it is asked wrongly. */
  readonly echoes?: boolean
}

/** What the engine reads of a request. */
export interface EngineRequest {
  readonly messages?: readonly { readonly role: string; readonly content: string }[]
  readonly max_tokens?: number
}

export interface EngineEvent {
  readonly text: string
  /** Tokens this call has made, up to and with it. */
  readonly tokens: number
  /** Whether it brings one of them. */
  readonly isToken: boolean
}

/** The events of one answer: a role, the tokens, the finish, the counts, `[DONE]`. */
export function engineEvents(
  { messages = [], max_tokens: limit = Infinity }: EngineRequest,
  { counts = true, echoes = false }: EngineOptions = {},
): EngineEvent[] {
  const beginning = messages.at(-1)
  const begun = beginning?.role === 'assistant' ? beginning.content : ''
  const from = tokensOf(begun)
  const tokens = TOKENS.slice(from, from + limit)
  const reason = from + limit < TOKENS.length ? 'length' : 'stop'
  const chunk = (made: number, delta: object, finish: string | null = null): EngineEvent => ({
    tokens: made,
    isToken: made > 0 && finish === null,
    text: event({
      choices: [{ index: 0, delta, finish_reason: finish }],
      ...(counts ? { usage: usageOf(made) } : {}),
    }),
  })
  const last = { tokens: tokens.length, isToken: false }
  return [
    chunk(0, { role: 'assistant', content: '' }),
    ...tokens.map((token, index) =>
      chunk(index + 1, { content: echoes && index === 0 ? begun + token : token }),
    ),
    chunk(tokens.length, { content: '' }, reason),
    { ...last, text: event({ choices: [], usage: usageOf(tokens.length) }) },
    { ...last, text: 'data: [DONE]\n\n' },
  ]
}

/** As text, up to and with so many tokens. */
export function engineText(events: readonly EngineEvent[], tokens = Infinity): string {
  const cut = tokens === Infinity ? events.length : events.findIndex((each) => each.tokens > tokens)
  // What ends it comes after its last token.
  const end = cut === -1 ? events.findIndex((each) => each.tokens === tokens) + 1 : cut
  return events
    .slice(0, end)
    .map(({ text }) => text)
    .join('')
}

/** How many tokens make this text; it must be made of whole ones. */
function tokensOf(text: string): number {
  let made = ''
  for (const [index, token] of TOKENS.entries()) {
    if (made === text) return index
    made += token
  }
  if (made === text) return TOKENS.length
  throw new Error('the engine was told to go on from what it never wrote')
}

function usageOf(tokens: number) {
  return {
    prompt_tokens: PROMPT_TOKENS,
    completion_tokens: tokens,
    total_tokens: PROMPT_TOKENS + tokens,
  }
}

function event(members: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-of-the-pool', object: 'chat.completion.chunk', created: 1, model: 'story-8b', ...members })}\n\n`
}
