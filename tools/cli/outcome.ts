/** What a command comes to: what is told, to people or to programs, and the exit code that says it to a script. */

/** docs/cli.md has them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, unauthorized: 4 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface Outcome {
  readonly code: ExitCode
  /** For people, on standard output. */
  readonly lines?: readonly string[]
  /** For people, on standard error. */
  readonly errors?: readonly string[]
  /** What --json prints in place of both. */
  readonly json: unknown
}

export function told(lines: readonly string[], json: unknown): Outcome {
  return { code: EXIT.ok, lines, json }
}

/** @param details is for programs, beside the message. */
export function refused(code: ExitCode, errors: readonly string[], details: object = {}): Outcome {
  return { code, errors, json: { error: { exit: code, message: errors.join('\n'), ...details } } }
}

/** Text that others wrote must not steer the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{C}\n]/gu, '?')
}
