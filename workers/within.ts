/** Waits for something, but not for ever. */

/**
 * What the work gives, or undefined if it has given nothing after so many milliseconds. The work itself goes on: who
 * asked for it lets go of it. Rejects as the work does, if it does in time.
 */
export async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
