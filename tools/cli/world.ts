/** What the commands need of the world around them, so that tests can put another one there. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Undefined where it cannot be read; `-` is standard input. */
  readonly read: (file: string) => string | undefined
  /** Whether it could be written. Does not write over a file unless told to. */
  readonly write: (file: string, text: string, options: { readonly overwrite: boolean }) => boolean
  readonly fetch: typeof fetch
  readonly nowMs: () => number
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  /** Whether people read what is told, and their terminal can be cleared. */
  readonly isTerminal: boolean
  /** Resolves after a time; false as soon as the user wants to stop. */
  readonly pause: (ms: number) => Promise<boolean>
}

export function realWorld(): World {
  return {
    environment: process.env,
    read,
    write,
    fetch: (...args) => fetch(...args),
    nowMs: () => Date.now(),
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    isTerminal: process.stdout.isTTY,
    pause,
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch {
    return undefined
  }
}

function write(file: string, text: string, { overwrite }: { readonly overwrite: boolean }): boolean {
  try {
    writeFileSync(file, text, { flag: overwrite ? 'w' : 'wx' })
    return true
  } catch {
    return false
  }
}

function pause(ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isOver: boolean) => {
      clearTimeout(timer)
      process.off('SIGINT', stop)
      resolve(isOver)
    }
    const stop = () => end(false)
    const timer = setTimeout(() => end(true), ms)
    process.once('SIGINT', stop)
  })
}
