/** Reads a file, or what an address gives. */
import { readFile } from 'node:fs/promises'

const DEADLINE_MS = 10_000

/** Undefined where it cannot be read, whatever the reason. */
export async function readSource(source: string): Promise<string | undefined> {
  try {
    if (!/^https?:\/\//.test(source)) return await readFile(source, 'utf8')
    const response = await fetch(source, { redirect: 'error', signal: AbortSignal.timeout(DEADLINE_MS) })
    return response.ok ? await response.text() : undefined
  } catch {
    return undefined
  }
}
