/** Runs a pool's bytes through the whole of what the mesh does with a stream, cut where a test wants it. */
import type { PoolAdapter } from '../../../workers/adapters/adapter.ts'
import { startReading } from '../../../workers/adapters/index.ts'
import type { Frame, Surface } from '../../../shared/log/frame.ts'
import { createFold } from '../../../shared/stream/fold.ts'
import { createIngest } from '../../../shared/stream/ingest.ts'
import type { IngestStep, StreamEnd } from '../../../shared/stream/ingest.ts'
import { createRenderer } from '../../../shared/stream/render.ts'

export interface StreamRead {
  readonly frames: readonly Frame[]
  readonly end: StreamEnd
  /** Steps that came after the first `end` step; always empty. */
  readonly late: readonly IngestStep[]
  readonly rendered: string
  readonly answer: string
}

export const READER = { id: 'chatcmpl-own', createdSeconds: 1_800_000_000, model: 'public-name' } as const

/** `cuts` are byte offsets, in any order; without them the stream comes in one piece. */
export function readStream(
  adapter: PoolAdapter,
  bytes: Uint8Array,
  options: { readonly surface: Surface; readonly expectedChoices: number; readonly cuts?: readonly number[] },
): StreamRead {
  const { surface, expectedChoices, cuts = [] } = options
  const ingest = createIngest({ surface, readEvent: startReading(adapter), expectedChoices })
  const decoder = new TextDecoder()
  const steps: IngestStep[] = []
  for (const chunk of cut(bytes, cuts)) steps.push(...ingest.push(decoder.decode(chunk, { stream: true })))
  const end = ingest.end()
  const firstEnd = steps.findIndex((step) => step.kind === 'end')
  const frames = steps.flatMap((step) => (step.kind === 'frame' ? [step.frame] : []))
  const renderer = createRenderer({ surface, ...READER, includeUsage: true })
  const fold = createFold(surface)
  for (const frame of frames) fold.add(frame)
  const { usage } = end
  return {
    frames,
    end,
    late: firstEnd === -1 ? [] : steps.slice(firstEnd + 1),
    rendered: [
      ...frames.map((frame) => renderer.frame(frame)),
      usage === undefined ? '' : renderer.usage(usage),
      renderer.done(),
    ].join(''),
    answer: fold.answer({ ...READER, ...(usage === undefined ? {} : { usage }) }),
  }
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}
