/** Ollama tells which models are loaded, and nothing of its load: only that it answers as it should. */
import { isObject } from '../../../shared/is-object.ts'
import { objectsIn, parseBody } from './json-body.ts'
import type { LoadDialect, LoadReading } from './load-dialect.ts'

export const ollamaLoad: LoadDialect = {
  sources: [{ path: 'api/ps', read: readLoadedModels }],
  probePath: 'api/version',
}

function readLoadedModels(body: string): LoadReading | undefined {
  const answer = parseBody(body)
  return isObject(answer) && objectsIn(answer.models) !== undefined ? {} : undefined
}
