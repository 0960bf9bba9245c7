/** POST /v1/chat/completions and /v1/completions. */
import type { Handler } from 'hono'
import type { Surface } from '../../shared/log/frame.ts'
import type { AppVariables } from '../app-variables.ts'
import { serve } from '../pipeline.ts'

export function generate(surface: Surface): Handler<AppVariables> {
  return (context) => serve(context.req.raw, context.get('requestId'), surface, context.get('edge'))
}
