/** What one SSE event of a pool means once its dialect's adapter has read it. */
import type { Frame, Surface, Usage } from '../log/frame.ts'
import type { PoolFault } from '../pool/pool-fault.ts'

export type UpstreamEvent =
  | {
      readonly kind: 'frame'
      readonly frame: Frame
      /** The choices this event is about. */
      readonly indexes: readonly number[]
      readonly usage?: Usage
    }
  /** A usage chunk without choices. */
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'done' }
  /** The pool said that it failed, and perhaps why, or sent what no client may see (not JSON, not an object). */
  | { readonly kind: 'error'; readonly fault?: PoolFault }
  /** Nothing for the client: a progress event, an empty choice list without usage. */
  | { readonly kind: 'ignored' }

/** Reads one event: its data, and its name if it has one. Never throws. */
export type ReadEvent = (surface: Surface, data: string, name?: string) => UpstreamEvent
