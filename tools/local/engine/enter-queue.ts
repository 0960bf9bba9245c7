/** What every request that runs the model meets first: the faults, then the queue. */
import type { Core } from './core.ts'
import { sendError, type Exchange } from './exchange.ts'
import type { Fault } from './faults.ts'
import type { Ticket } from './scheduler.ts'

export interface Entered {
  /** What else is to go wrong. */
  readonly fault: Fault
  readonly ticket: Ticket
}

/** Undefined when the request was answered instead: with a fault, or because the queue is full. */
export function enterQueue(core: Core, exchange: Exchange, places: number): Entered | undefined {
  const fault = core.faults.take()
  if (fault.redirect_to !== undefined) {
    exchange.response.writeHead(307, { location: fault.redirect_to }).end()
    return undefined
  }
  if (fault.status !== undefined) {
    sendError(exchange, { status: fault.status, message: 'This error was asked for.' })
    return undefined
  }
  const ticket = core.scheduler.enter(exchange.signal, places)
  if (ticket !== undefined) return { fault, ticket }
  sendError(exchange, { status: 429, message: 'Too many requests: the waiting queue is full.' })
  return undefined
}
