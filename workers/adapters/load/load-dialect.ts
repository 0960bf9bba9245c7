/** What a dialect says about asking a pool for its load, and whether it is there at all. */
import type { LoadReading } from '../../../shared/pool/load-report.ts'

export type { LoadReading }

/** Paths are relative to the server's root, not to where its API begins, without a leading slash. */
export interface LoadDialect {
  /** Tried in order until one answers with something that can be read. */
  readonly sources: readonly LoadSource[]
  /** A cheap GET that says whether the server is there and measures the way to it; it never generates a token. */
  readonly probePath: string
}

export interface LoadSource {
  /** With a query if it has one. */
  readonly path: string
  /**
   * Reads the body of a 200 answer; undefined if it is none of this source's. A reading without numbers says that the
   * server answered as it should and tells no load. Never throws.
   */
  readonly read: (body: string) => LoadReading | undefined
}
