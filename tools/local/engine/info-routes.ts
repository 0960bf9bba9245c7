/** The routes that generate nothing: /health, /metrics, /v1/models, /tokenize. */
import type { Core } from './core.ts'
import { badRequest } from './errors.ts'
import { readJson, sendError, sendJson, type Exchange } from './exchange.ts'
import { renderMetrics } from './metrics.ts'
import { readChatPrompt } from './prompt.ts'
import { encode, tokenText } from './tokenizer.ts'
import { isObject } from '../../../shared/is-object.ts'

/** False when there is no such route. */
export async function serveInfo(core: Core, route: string, exchange: Exchange): Promise<boolean> {
  switch (route) {
    case 'GET /health':
      // Says nothing about load, as in vLLM.
      exchange.response.writeHead(200).end()
      return true
    case 'GET /metrics':
      exchange.response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
      exchange.response.end(renderMetrics(core))
      return true
    case 'GET /v1/models':
      sendJson(exchange, 200, { object: 'list', data: modelCards(core) })
      return true
    case 'POST /tokenize':
      await tokenize(core, exchange)
      return true
    default:
      return false
  }
}

function modelCards(core: Core): object[] {
  const { servedModelNames, model, maxModelLen, clock } = core.settings
  const created = Math.floor(clock.epochMs() / 1000)
  return servedModelNames.map((id) => ({
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: model,
    parent: null,
    max_model_len: maxModelLen,
    permission: [],
  }))
}

/** Takes a `prompt`, or `messages` with the flags of the chat surface. */
async function tokenize(core: Core, exchange: Exchange): Promise<void> {
  const read = await readJson(exchange)
  if (read === undefined) return
  if ('error' in read) return sendError(exchange, read.error)
  if (!isObject(read.body)) return sendError(exchange, badRequest('The body must be a JSON object.'))
  const { prompt, return_token_strs: returnsTexts } = read.body
  const isText = typeof prompt === 'string'
  const result = isText ? { ok: true as const, value: encode(prompt) } : readChatPrompt(read.body)
  if (!result.ok) return sendError(exchange, result.error)
  const tokens = result.value
  sendJson(exchange, 200, {
    count: tokens.length,
    max_model_len: core.settings.maxModelLen,
    tokens,
    token_strs: returnsTexts === true ? tokens.map(tokenText) : null,
  })
}
