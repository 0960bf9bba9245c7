/** One body that must be refused, and how. */

export interface Refused {
  readonly status: number
  readonly code: string
  /** What `param` must say; without it, null. */
  readonly param?: string
}

export type BadBody = readonly [name: string, body: string | Uint8Array<ArrayBuffer>, refused: Refused]

export const HELLO = [{ role: 'user', content: 'Hello.' }]

export function bodyWith(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ model: 'story', messages: HELLO, max_tokens: 2, ...changes })
}

/** A body whose members after the model are written as given. */
export function written(members: string): string {
  return `{"model":"story",${members}}`
}

export function refusal(code: string, param?: string): Refused {
  return { status: code === 'model_not_found' ? 404 : 400, code, ...(param === undefined ? {} : { param }) }
}
