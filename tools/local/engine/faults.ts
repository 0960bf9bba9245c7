/** Faults on demand: what goes wrong, and for how many generations. */
import type { Random } from './random.ts'

export interface Faults {
  /** The socket is destroyed after this many tokens, without a finish. */
  readonly die_after_tokens?: number
  /** Nothing more comes after this many tokens; the connection stays open and the slot taken. */
  readonly stall_after_tokens?: number
  /** An error status instead of a generation. */
  readonly status?: number
  /** The share of generations that get the status, 0 to 1; without it all do. */
  readonly status_rate?: number
  /** Multiplies all times. */
  readonly slow_factor?: number
  /** Every route but /admin destroys the socket. */
  readonly down?: boolean
  /** 307 to this URL instead of a generation. */
  readonly redirect_to?: string
  /** How many generations are touched; without it, all until the faults are cleared. */
  readonly times?: number
}

/** What happens to one generation. */
export type Fault = Omit<Faults, 'times' | 'status_rate' | 'down'>

export interface FaultBox {
  /** Replaces all faults. */
  set(faults: Faults): void
  clear(): void
  current(): Faults
  isDown(): boolean
  /** Counts a generation that was refused because the engine is down. */
  countDown(): void
  /** The faults of the next generation; counts it if there are any. */
  take(): Fault
}

export function createFaultBox(random: Random): FaultBox {
  let faults: Faults = {}

  function count(): void {
    if (faults.times === undefined) return
    faults = faults.times > 1 ? { ...faults, times: faults.times - 1 } : {}
  }

  return {
    set: (next) => {
      faults = next.times === 0 ? {} : next
    },
    clear: () => {
      faults = {}
    },
    current: () => faults,
    isDown: () => faults.down === true,
    countDown: count,
    take() {
      const { times: _, status_rate: rate, down: __, status, ...rest } = faults
      const fault: Fault =
        status !== undefined && (rate === undefined || random() < rate) ? { ...rest, status } : rest
      if (Object.keys(fault).length > 0) count()
      return fault
    },
  }
}

/** After how many tokens something goes wrong with a generation; undefined when nothing does. */
export function strikeAfter(fault: Fault): number | undefined {
  const { die_after_tokens: die, stall_after_tokens: stall } = fault
  return die === undefined || stall === undefined ? (die ?? stall) : Math.min(die, stall)
}

/** Reads the body of POST /admin/faults; gives a sentence that says what is wrong otherwise. */
export function parseFaults(body: unknown): Faults | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return 'The body must be a JSON object.'
  for (const [name, value] of Object.entries(body)) {
    const rule = RULES[name]
    if (rule === undefined) return `There is no such fault; there are: ${Object.keys(RULES).join(', ')}.`
    if (!rule.holds(value)) return `The fault ${name} must be ${rule.expected}.`
  }
  return body
}

const isCount = (value: unknown) => typeof value === 'number' && Number.isInteger(value) && value >= 0
const RULES: Readonly<Record<string, { readonly expected: string; holds(value: unknown): boolean }>> = {
  die_after_tokens: { expected: 'a whole number from 0', holds: isCount },
  stall_after_tokens: { expected: 'a whole number from 0', holds: isCount },
  status: {
    expected: 'a whole number from 400 to 599',
    holds: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 400 && value <= 599,
  },
  status_rate: {
    expected: 'a number from 0 to 1',
    holds: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  slow_factor: {
    expected: 'a number above 0',
    holds: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
  },
  down: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  redirect_to: {
    expected: 'an absolute URL',
    holds: (value) => typeof value === 'string' && URL.canParse(value),
  },
  times: { expected: 'a whole number from 0', holds: isCount },
}
