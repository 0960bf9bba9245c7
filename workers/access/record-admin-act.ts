/** One line in the log for each act of administration: who did what, to what. Nothing of a secret or a text. */
import type { Context } from 'hono'
import type { AppVariables } from '../app-variables.ts'

/** `act` is one of few words; the rest are names from the config, ids of ours, and counts. */
export interface AdminAct {
  readonly act: string
  readonly [about: string]: string | number | undefined
}

export function recordAdminAct(context: Context<AppVariables>, act: AdminAct): void {
  const { runtime } = context.get('edge')
  runtime.log({
    event: 'admin',
    at: new Date(runtime.now()).toISOString(),
    request_id: context.get('requestId'),
    who: context.get('principal').who,
    ...act,
  })
}
