/**
 * How long things take, as llm-d-inference-sim models it: time to first token = overhead + uncached prompt tokens ×
 * time per token, then one inter-token latency per token; both grow linearly with the batch.
 */

export interface Timing {
  readonly prefillOverheadMs: number
  readonly prefillTimePerTokenMs: number
  readonly interTokenLatencyMs: number
  /** What a full batch multiplies both by; 1 is no slow-down. */
  readonly timeFactorUnderLoad: number
  /** Generations in a full batch. */
  readonly maxNumSeqs: number
}

export interface Load {
  /** Generations running, this one included. */
  readonly running: number
  /** A fault's slow-down, or 1. */
  readonly slowFactor: number
}

export function timeToFirstTokenMs(timing: Timing, uncachedTokens: number, load: Load): number {
  return (timing.prefillOverheadMs + uncachedTokens * timing.prefillTimePerTokenMs) * factor(timing, load)
}

export function interTokenMs(timing: Timing, load: Load): number {
  return timing.interTokenLatencyMs * factor(timing, load)
}

/** 1 for a generation alone, `timeFactorUnderLoad` for a full batch, linear between. */
function factor(timing: Timing, load: Load): number {
  const others = timing.maxNumSeqs > 1 ? (load.running - 1) / (timing.maxNumSeqs - 1) : 0
  return (1 + (timing.timeFactorUnderLoad - 1) * Math.max(0, others)) * load.slowFactor
}
