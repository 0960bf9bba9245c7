/** Which of two logs of the same request is kept for those who come later. */
import type { GenerationLog } from './generation-log.ts'

/**
 * Whether a log that has just ended takes the place of the one that is kept: the one that serves more readers is kept, and of
 * two that serve the same the newer. A whole answer serves every limit it fits into, a longer beginning more than a shorter.
 */
export function replaces(next: GenerationLog, current: GenerationLog): boolean {
  const ranks = [rankOf(current), rankOf(next)] as const
  if (ranks[0] !== ranks[1]) return ranks[1] > ranks[0]
  if (next.finish !== 'length' && next.state === 'sealed') return true
  return (next.tokens ?? next.length) >= (current.tokens ?? current.length)
}

function rankOf({ state, finish }: GenerationLog): number {
  if (state !== 'sealed') return 0
  return finish === 'length' ? 1 : 2
}
