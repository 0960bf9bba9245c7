/** A stream of a text's bytes, cut into chunks anywhere. */

/** Cuts count bytes from the start, modulo the length; `onCancel` is called when the reader leaves early. */
export function cutStream(
  text: string,
  cuts: readonly number[] = [],
  onCancel = (): void => undefined,
): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  const chunks = borders.slice(1).map((end, index) => bytes.slice(borders[index], end))
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
      cancel: onCancel,
    },
    { highWaterMark: 0 },
  )
}
