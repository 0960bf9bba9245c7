import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'

const MAIN = new URL('../../../../tools/local/engine/main.ts', import.meta.url).pathname
const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

function run(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  return child
}

describe('the engine as a process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'says when it is ready, and ends at once on %s',
    async (signal) => {
      const child = run('--port', '0', '--prefill-overhead', '60000')
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      expect(line.toString()).toMatch(/^{"ready":true,"url":"http:\/\/127\.0\.0\.1:\d+"}\n$/)
      const { url } = JSON.parse(line.toString()) as { url: string }
      expect((await fetch(`${url}/health`)).status).toBe(200)
      const body = JSON.stringify({ prompt: 'Once', stream: true })
      const answer = await fetch(`${url}/v1/completions`, { method: 'POST', body })
      child.kill(signal)
      expect(await once(child, 'exit')).toEqual([0, null])
      await expect(answer.text()).rejects.toThrow()
    },
  )

  test('refuses a wrong flag with one line and status 2', async () => {
    const child = run('--portt', '1')
    const [lines, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect(code).toBe(2)
    expect(lines).toMatch(/^[^\n]*--portt[^\n]*\n$/)
  })
})
