/** The demo as anybody runs it: it ends well only if all that it tells is true, and leaves nothing behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PROJECT_DIR } from '../../tools/build/wrangler.ts'

/** The minute that it promises, and a machine that does other things too. */
const WITHIN_MS = 110_000

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'warmpath-demo-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

function startDemo() {
  const child = spawn(process.execPath, [path.join(PROJECT_DIR, 'tools/demo/main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', TMPDIR: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that whatever it leaves behind is found.
    detached: true,
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  }
  const pid = child.pid ?? 0
  return {
    pid,
    printed: () => printed,
    ended: once(child, 'exit').then(([code]: unknown[]) => code),
    /** Whether any process of its group is there. */
    isAlive: () => {
      try {
        return process.kill(-pid, 0)
      } catch {
        // There is no such group any more.
        return false
      }
    },
  }
}

test(
  'tells three stories, each of whose claims is true',
  async () => {
    const demo = startDemo()
    expect(await demo.ended, demo.printed()).toBe(0)
    const printed = demo.printed()
    expect(printed).toMatch(/All 15 claims were checked and are true\./)
    expect(printed.match(/^ {2}true {3}/gm)).toHaveLength(15)
    expect(printed).not.toContain('FALSE')
    // In a pipe it is plain text.
    expect(printed).not.toContain('\u001B')
    expect(printed).toMatch(/sent to the pool eu-central +[\d,]+ +[1-9]/)
    expect(printed).toMatch(/sent to the pool us-east +[\d,]+ +0\n/)
    expect(printed).toMatch(/stored: .* +[\d,]+ +0\n/)
    expect(await readdir(dir)).toEqual([])
    await expect.poll(demo.isAlive, { timeout: 10_000 }).toBe(false)
  },
  WITHIN_MS,
)

test(
  'told to stop in the middle, it stops everything',
  async () => {
    const demo = startDemo()
    await vi.waitFor(() => expect(demo.printed()).toContain('kill -9'), { timeout: 60_000, interval: 50 })
    process.kill(-demo.pid, 'SIGINT')
    expect(await demo.ended).toBe(130)
    expect(demo.printed()).not.toContain('claims were checked')
    expect(await readdir(dir)).toEqual([])
    await expect.poll(demo.isAlive, { timeout: 10_000 }).toBe(false)
  },
  WITHIN_MS,
)
