/** The lines that a test mesh has logged about its decisions. */
import type { DescribedRanking } from '../../shared/routing/describe.ts'
import type { TestMesh } from './mesh.ts'

export interface RouteLine extends DescribedRanking {
  readonly event: 'route'
  readonly at: string
  readonly request: string
  readonly origin: string
  readonly answered_by?: string
  readonly first_token_ms?: number
  readonly attempts?: number
  readonly error?: string
}

export function routeLines({ logs }: TestMesh): readonly RouteLine[] {
  return logs.flatMap((text) => {
    const line: unknown = JSON.parse(text)
    return isRouteLine(line) ? [line] : []
  })
}

function isRouteLine(line: unknown): line is RouteLine {
  return typeof line === 'object' && line !== null && 'event' in line && line.event === 'route'
}
