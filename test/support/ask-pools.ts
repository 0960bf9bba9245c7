/** Asks a data centre one question after another, and says which pools answered. */
import { chat, type ChatOptions } from './chat.ts'
import type { TestMesh } from './mesh.ts'

export interface Answered {
  readonly pool: string
  /** Why, as the answer's header says. */
  readonly route: string
}

let questions = 0

/** Each question is one that nobody has asked before. */
export async function askPool(mesh: TestMesh, colo: string, options: ChatOptions): Promise<Answered> {
  questions += 1
  const response = await chat(mesh, colo, `Question ${questions} from ${colo}`, options)
  const text = await response.text()
  const pool = response.headers.get('x-mesh-pool') ?? `status ${response.status}: ${text}`
  return { pool, route: response.headers.get('x-mesh-route') ?? '' }
}

export async function askPools(
  mesh: TestMesh,
  colo: string,
  times: number,
  options: ChatOptions,
): Promise<readonly Answered[]> {
  const answers: Answered[] = []
  for (let asked = 0; asked < times; asked += 1) answers.push(await askPool(mesh, colo, options))
  return answers
}

export function atPool(answers: readonly Answered[], pool: string | undefined): number {
  return answers.filter((answer) => answer.pool === pool).length
}

/** For the message of an expectation. */
export function routesOf(colo: string, answers: readonly Answered[]): string {
  return [colo, ...answers.map(({ pool, route }) => `${pool} (${route})`)].join('\n')
}
