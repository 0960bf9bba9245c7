/**
 * Reads the samples of a few metrics out of a Prometheus text exposition (format 0.0.4; OpenMetrics where it is the same).
 * A reader of its own, because those published throw at the first line they do not know and build all of a body that
 * is asked for every second for the sake of three numbers.
 */

export interface Sample {
  /** Values as they were written, escapes and all: they are compared, not shown. */
  readonly labels: ReadonlyMap<string, string>
  /** NaN where it is not a finite number, or the line could not be read. */
  readonly value: number
}

/** UTF-16 units that are looked at. Servers with many histograms send about 200,000. */
export const MAX_BODY_CHARS = 512 * 1024
/** A longer line is not read. */
const MAX_LINE_CHARS = 4096

const NAME = /^[ \t]*([a-zA-Z_:][\w:]*)/
const LABEL = /^[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*,?/
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

/**
 * The samples of each named metric, in their order; metrics without one are not in it. Histograms are named by their
 * series (`…_bucket`). A body that was cut may lack the rest of the metric it was cut in, which is left out; a cut where
 * a line ends looks like the end, though. Never throws; takes time linear in the body.
 */
export function readSamples(
  body: string,
  names: ReadonlySet<string>,
): ReadonlyMap<string, readonly Sample[]> {
  const samples = new Map<string, Sample[]>()
  const text = body.slice(0, MAX_BODY_CHARS)
  let last: string | undefined
  let at = 0
  for (let end = text.indexOf('\n', at); end !== -1; end = text.indexOf('\n', at)) {
    const line = text.slice(at, end)
    const [before, name] = NAME.exec(line) ?? []
    at = end + 1
    last = name
    if (before === undefined || name === undefined || !names.has(name)) continue
    const sample = sampleOf(line.slice(before.length))
    const others = samples.get(name)
    if (others === undefined) samples.set(name, [sample])
    else others.push(sample)
  }
  // The format ends every line, the last one too. A body of just that length was cut to it by whoever read it.
  const isCut = at < text.length || body.length >= MAX_BODY_CHARS
  if (isCut && last !== undefined) samples.delete(last)
  return samples
}

/** Reads what follows the name: labels in braces, a value, a time that nobody needs. */
function sampleOf(afterName: string): Sample {
  const unreadable: Sample = { labels: new Map(), value: NaN }
  if (afterName.length > MAX_LINE_CHARS) return unreadable
  const labels = new Map<string, string>()
  let rest = afterName.trimStart()
  if (rest.startsWith('{')) {
    rest = rest.slice(1)
    for (let label = LABEL.exec(rest); label !== null; label = LABEL.exec(rest)) {
      const [whole, name = '', value = ''] = label
      labels.set(name, value)
      rest = rest.slice(whole.length)
    }
    rest = rest.trimStart()
    if (!rest.startsWith('}')) return unreadable
    rest = rest.slice(1)
  }
  const [value = '', time = '0', ...more] = rest.trim().split(/[ \t]+/)
  return more.length === 0 && NUMBER.test(time) ? { labels, value: numberOf(value) } : unreadable
}

/** `Number` alone would take an empty text for 0, and hexadecimal. */
function numberOf(text: string): number {
  const value = NUMBER.test(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : NaN
}
