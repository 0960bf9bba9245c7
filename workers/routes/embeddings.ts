/** POST /v1/embeddings. */
import type { Handler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { serveEmbeddings } from '../pipeline-embeddings.ts'

export const embed: Handler<AppVariables> = (context) =>
  serveEmbeddings(context.req.raw, context.get('requestId'), context.get('edge'))
