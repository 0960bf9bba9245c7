/** What a node is told from outside: once, to let its streams end; twice, to stop. */

export interface Signals {
  readonly first: Promise<'signal'>
  readonly second: Promise<'signal'>
}

export function watchSignals(): Signals {
  const [first, second] = [Promise.withResolvers<'signal'>(), Promise.withResolvers<'signal'>()]
  let count = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      count += 1
      if (count === 1) first.resolve('signal')
      else second.resolve('signal')
    })
  }
  return { first: first.promise, second: second.promise }
}
