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

const SAMPLE_EVERY_MS = 50

/** The process of this name that another, this one by default, has started last. @throws where there is none, or no /proc */
export async function childNamed(name: string, starter = process.pid): Promise<number> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const parent = await parentOf(pid, name).catch(() => undefined)
      return parent === starter ? pid : 0
    }),
  )
  const newest = Math.max(...found)
  if (newest === 0) throw new Error(`no process ${name} was started by ${starter}`)
  return newest
}

export async function usageOf(pid: number): Promise<ProcessUsage> {
  const [cpuMs, status] = await Promise.all([cpuMsOf(pid), readFile(`/proc/${pid}/status`, 'utf8')])
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return { cpuMs, memoryMib: kib / 1024 }
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

/**
 * The scheduler's own account, in nanoseconds. The one in `stat` counts whoever runs when the clock ticks: a process that
 * is woken by timers, at ticks, is then charged for several times what it used.
 */
async function cpuMsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const used = threads.map(async (thread) => {
    // A thread may end in the meantime.
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')
    return Number(text.split(' ', 1)[0])
  })
  return (await Promise.all(used)).reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e6
}

/** Undefined where the process has another name. In `stat` that is in brackets, and may hold anything. */
async function parentOf(pid: number, name: string): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const end = stat.lastIndexOf(')')
  const [, parent] = stat.slice(end + 2).split(' ')
  return stat.slice(stat.indexOf('(') + 1, end) === name ? Number(parent) : undefined
}
