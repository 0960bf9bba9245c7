/** Fits for tests: what is known of a pool after samples of which the times are written out. */
import type { PrefillFit, PrefillSample } from '../../../shared/pool/prefill-fit.ts'
import { observeFirstToken } from '../../../shared/pool/prefill-fit.ts'
import { must } from '../residency/a-mesh.ts'

/** Sizes of prompts as they come, short and long. */
export const SIZES = [100, 3000, 700, 8000, 20, 1500, 5000] as const
export const sizeAt = (index: number): number => must(SIZES[index % SIZES.length])

export const sample = (atMs: number, ttftMs: number, uncachedTokens: number, queueMs = 0): PrefillSample => ({
  askedAtMs: atMs - ttftMs,
  atMs,
  ttftMs,
  queueMs,
  uncachedTokens,
  isCounted: false,
})

export function fitOf(samples: readonly PrefillSample[], before?: PrefillFit): PrefillFit {
  return must(samples.reduce<PrefillFit | undefined>((fit, next) => observeFirstToken(fit, next), before))
}

/** Feeds times to first token of prompts of one size, one every `everyMs`, from 1,000,000 ms on. */
export function continued(
  fit: PrefillFit | undefined,
  ttftsMs: readonly number[],
  { uncachedTokens = 100, everyMs = 50, startMs = 1_000_000 } = {},
): PrefillFit {
  const all = ttftsMs.map((ttftMs, index) => sample(startMs + index * everyMs, ttftMs, uncachedTokens))
  return fitOf(all, fit)
}

export function after(ttftsMs: readonly number[]): PrefillFit {
  return continued(undefined, ttftsMs)
}

/** Forty samples of a pool that takes exactly c + s·U. */
export function steady(levelMs: number, msPerToken: number): PrefillFit {
  return fitOf(
    Array.from({ length: 40 }, (_, index) =>
      sample(index * 50, levelMs + msPerToken * sizeAt(index), sizeAt(index)),
    ),
  )
}
