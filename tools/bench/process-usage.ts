/** What another process has used, as Linux tells it under /proc. */
import { readdir, readFile } from 'node:fs/promises'

export interface ProcessUsage {
  /** Of all its threads, since it began. */
  readonly cpuMs: number
  /** Resident memory, in MiB. */
  readonly memoryMib: number
}

export interface Watched {
  /** CPU time used while it was watched. */
  readonly cpuMs: number
  readonly memoryBeforeMib: number
  readonly memoryPeakMib: number
}

/** The kernel counts in hundredths of a second on every platform that Node runs on (USER_HZ). */
const TICK_MS = 10
const SAMPLE_EVERY_MS = 50

/** The process of this name that this one has started last. @throws where there is none, or no /proc */
export async function childNamed(name: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const fields = await statOf(pid).catch(() => undefined)
      return fields?.name === name && fields.parent === process.pid ? pid : 0
    }),
  )
  const newest = Math.max(...found)
  if (newest === 0) throw new Error(`no process ${name} was started from here`)
  return newest
}

export async function usageOf(pid: number): Promise<ProcessUsage> {
  const [{ ticks }, status] = await Promise.all([statOf(pid), readFile(`/proc/${pid}/status`, 'utf8')])
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return { cpuMs: ticks * TICK_MS, memoryMib: kib / 1024 }
}

/** Watches a process while something is done. */
export async function watching<T>(pid: number, work: () => Promise<T>): Promise<Watched & { result: T }> {
  const before = await usageOf(pid)
  let memoryPeakMib = before.memoryMib
  const sample = async (): Promise<void> => {
    memoryPeakMib = Math.max(memoryPeakMib, (await usageOf(pid)).memoryMib)
  }
  const timer = setInterval(() => void sample().catch(() => undefined), SAMPLE_EVERY_MS)
  try {
    const result = await work()
    await sample()
    const { cpuMs } = await usageOf(pid)
    return { cpuMs: cpuMs - before.cpuMs, memoryBeforeMib: before.memoryMib, memoryPeakMib, result }
  } finally {
    clearInterval(timer)
  }
}

/** The fields of proc(5)'s `stat` that matter here; the name is in brackets and may hold anything. */
async function statOf(pid: number): Promise<{ name: string; parent: number; ticks: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const end = stat.lastIndexOf(')')
  const [, parent, ...rest] = stat.slice(end + 2).split(' ')
  // utime and stime are the 14th and 15th of all; the two before and the two above are gone.
  return {
    name: stat.slice(stat.indexOf('(') + 1, end),
    parent: Number(parent),
    ticks: Number(rest[9]) + Number(rest[10]),
  }
}
