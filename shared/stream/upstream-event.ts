/** What one SSE event of a pool means once its dialect's adapter has read it. */
import type { Frame, Usage } from '../log/frame.ts'

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
  /** The pool said that it failed, or sent what no client may see (not JSON, not an object). */
  | { readonly kind: 'error' }
  /** Nothing for the client: a progress event, an empty choice list without usage. */
  | { readonly kind: 'ignored' }
