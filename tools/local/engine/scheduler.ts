/** Who may run: up to a number of generations at once, the others first come, first served, in a bounded queue. */

export interface Scheduler {
  /** Undefined when the queue is full. */
  enter(signal: AbortSignal): Ticket | undefined
  running(): number
  waiting(): number
}

export interface Ticket {
  /** True when it is this one's turn; false when its client left while it waited. */
  readonly turn: Promise<boolean>
  /** Gives the place up, running or waiting; calling it again does nothing. */
  leave(): void
}

export interface SchedulerOptions {
  readonly maxNumSeqs: number
  readonly maxWaitingQueueLength: number
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  let running = 0
  // A Set keeps the order of arrival, and lets one in the middle leave at once.
  const queue = new Set<() => void>()

  function admitNext(): void {
    for (const admit of queue) {
      if (running >= options.maxNumSeqs) return
      queue.delete(admit)
      running += 1
      admit()
    }
  }

  return {
    enter(signal) {
      if (running >= options.maxNumSeqs && queue.size >= options.maxWaitingQueueLength) return undefined
      let state: 'waiting' | 'running' | 'gone' = 'waiting'
      let tell: (isTurn: boolean) => void = () => undefined
      const turn = new Promise<boolean>((resolve) => {
        tell = resolve
      })
      const admit = () => {
        state = 'running'
        signal.removeEventListener('abort', giveUp)
        tell(true)
      }
      const leave = () => {
        if (state === 'running') running -= 1
        if (state === 'waiting') queue.delete(admit)
        state = 'gone'
        signal.removeEventListener('abort', giveUp)
        admitNext()
      }
      const giveUp = () => {
        leave()
        tell(false)
      }
      queue.add(admit)
      signal.addEventListener('abort', giveUp)
      if (signal.aborted) giveUp()
      else admitNext()
      return { turn, leave }
    },
    running: () => running,
    waiting: () => queue.size,
  }
}
