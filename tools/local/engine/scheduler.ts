/**
 * Who may run: requests take as many places of the batch as they have choices, the others wait first come, first
 * served, in a bounded queue.
 */

export interface Scheduler {
  /** Undefined when the queue is full. A request for more places than there are gets all of them. */
  enter(signal: AbortSignal, places?: number): Ticket | undefined
  /** Places taken. */
  running(): number
  /** Requests in the queue. */
  waiting(): number
}

export interface Ticket {
  /** True when it is this one's turn; false when its client left while it waited. */
  readonly turn: Promise<boolean>
  /** Gives up all places but so many, once it runs. */
  keep(places: number): void
  /** Gives all places up, running or waiting; calling it again does nothing. */
  leave(): void
}

export interface SchedulerOptions {
  readonly maxNumSeqs: number
  readonly maxWaitingQueueLength: number
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  let running = 0
  // A Set keeps the order of arrival, and lets one in the middle leave at once.
  const queue = new Set<{ readonly places: number; admit(): void }>()

  function admitNext(): void {
    for (const next of queue) {
      // Who needs fewer places does not overtake: otherwise who needs many might never run.
      if (running + next.places > options.maxNumSeqs) return
      queue.delete(next)
      running += next.places
      next.admit()
    }
  }

  return {
    enter(signal, wanted = 1) {
      const places = Math.min(wanted, options.maxNumSeqs)
      const mustWait = queue.size > 0 || running + places > options.maxNumSeqs
      if (mustWait && queue.size >= options.maxWaitingQueueLength) return undefined
      let held = places
      let state: 'waiting' | 'running' | 'gone' = 'waiting'
      let tell: (isTurn: boolean) => void = () => undefined
      const turn = new Promise<boolean>((resolve) => {
        tell = resolve
      })
      const entry = {
        places,
        admit() {
          state = 'running'
          signal.removeEventListener('abort', giveUp)
          tell(true)
        },
      }
      const keep = (left: number) => {
        if (state !== 'running' || left >= held) return
        running -= held - left
        held = left
        admitNext()
      }
      const leave = () => {
        keep(0)
        const wasWaiting = state === 'waiting'
        state = 'gone'
        signal.removeEventListener('abort', giveUp)
        if (wasWaiting && queue.delete(entry)) admitNext()
      }
      const giveUp = () => {
        leave()
        tell(false)
      }
      queue.add(entry)
      signal.addEventListener('abort', giveUp)
      if (signal.aborted) giveUp()
      else admitNext()
      return { turn, keep, leave }
    },
    running: () => running,
    waiting: () => queue.size,
  }
}
