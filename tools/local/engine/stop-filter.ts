/** Ends a text at the first stop string and holds back what could still become one, so no part of it is sent. */

export interface StopFilter {
  /** Takes the text of one more token. `stop` is set once, with the string that was found. */
  push(text: string): { readonly text: string; readonly stop?: string }
  /** What was held back, for a generation that ends otherwise. */
  flush(): string
}

export function createStopFilter(stops: readonly string[]): StopFilter {
  let held = ''
  return {
    push(text) {
      held += text
      const found = firstStop(held, stops)
      if (found !== undefined) {
        const safe = held.slice(0, found.at)
        held = ''
        return { text: safe, stop: found.stop }
      }
      const safeLength = held.length - heldLength(held, stops)
      const safe = held.slice(0, safeLength)
      held = held.slice(safeLength)
      return { text: safe }
    },
    flush() {
      const text = held
      held = ''
      return text
    },
  }
}

function firstStop(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let first: { at: number; stop: string } | undefined
  for (const stop of stops) {
    const at = text.indexOf(stop)
    if (at >= 0 && (first === undefined || at < first.at)) first = { at, stop }
  }
  return first
}

/** The length of the longest end of the text that begins a stop string. */
function heldLength(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
