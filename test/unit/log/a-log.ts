/** Short ways to make frames and logs. */
import type { Frame, Surface, Usage } from '../../../shared/log/frame.ts'
import { createGenerationLog } from '../../../shared/log/generation-log.ts'
import type { GenerationLog, LogEntry } from '../../../shared/log/generation-log.ts'

export const EU = { pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' }

/** A frame of text as vLLM writes it; without a count where none is given. */
export function say(text: string, tokens?: number, finish?: string, surface: Surface = 'chat'): Frame {
  const said = surface === 'chat' ? { delta: { content: text } } : { text }
  const choice = { index: 0, ...said, finish_reason: finish ?? null }
  return {
    members: JSON.stringify({ choices: [choice] }),
    hasContent: text !== '',
    finishes: finish === undefined ? [] : [{ index: 0, reason: finish }],
    text,
    ...(tokens === undefined ? {} : { completionTokens: tokens }),
  }
}

/** The first frame of a chat: a role and no text. */
export function role(tokens?: number): Frame {
  return {
    ...say('', tokens),
    members: '{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}',
  }
}

/** A frame of something else than text. */
export function call(tokens?: number): Frame {
  const { text: _text, ...frame } = say('x', tokens)
  return { ...frame, members: '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}' }
}

export function usage(completionTokens: number, promptTokens = 7): Usage {
  return { promptTokens, completionTokens, raw: `{"completion_tokens":${completionTokens}}` }
}

/** Each frame is one token more than the one before. */
export function counted(...texts: readonly string[]): Frame[] {
  return texts.map((text, index) => say(text, index + 1))
}

export interface LogShape {
  readonly asked?: number
  readonly surface?: Surface
  readonly usage?: Usage
  /** Without it the log stays open. */
  readonly end?: 'sealed' | 'broken'
}

export function logOf(
  frames: readonly Frame[],
  { asked, surface, usage: counts, end }: LogShape = {},
): GenerationLog {
  const log = createGenerationLog(surface ?? 'chat', asked)
  log.producedBy(EU)
  for (const frame of frames) log.append(frame)
  if (counts !== undefined) log.count(counts)
  if (end === 'sealed') log.seal()
  if (end === 'broken') log.break()
  return log
}

/** The events that are kept. */
export function entriesOf(log: GenerationLog): LogEntry[] {
  const entries = Array.from({ length: log.length }, (_, index) => log.entry(index))
  return entries.filter((entry) => entry !== undefined)
}
