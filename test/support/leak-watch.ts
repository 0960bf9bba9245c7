/** A mesh before a pool that can say anything, and a look at all that the mesh logs and answers. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { aMeshConfig, KEYS } from './mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from './mesh.ts'
import { startRecordingPool, type RecordingPool } from './recording-pool.ts'

/** What must be found nowhere. */
export const MARKER = 'zQxMARKERq7Zx'

export interface LeakWatch {
  readonly mesh: TestMesh
  readonly pool: RecordingPool
  /** Reads an answer: its headers, and its body unless it is a good answer, may hold no marker. */
  note(response: Response): Promise<{ readonly status: number; readonly text: string }>
  /** The same for a text. */
  noteText(text: string): void
  /** Nothing that was logged or noted so far gives anything away. */
  expectNoTrace(): void
  stop(): Promise<void>
}

/** `changes`: what is different in the config. */
export async function startLeakWatch(changes: Readonly<Record<string, unknown>> = {}): Promise<LeakWatch> {
  const pool = await startRecordingPool()
  const mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        pools: [
          {
            id: 'eu-central',
            region: 'eu-central',
            dialect: 'vllm',
            url: `${pool.url}/v1`,
            models: [{ model: 'story', served: 'story-8b' }],
          },
        ],
        ...changes,
      }),
  })
  const said: string[] = []
  const forbidden = [...formsOf(MARKER), ...secretsOf(pool)]
  return {
    mesh,
    pool,
    async note(response) {
      const text = await response.text()
      said.push(JSON.stringify([...response.headers]))
      if (response.status !== 200) said.push(text)
      return { status: response.status, text }
    },
    noteText: (text) => void said.push(text),
    expectNoTrace() {
      const lines = [...mesh.logs, ...said].map((line) => line.toLowerCase())
      for (const text of forbidden) expect(lines.filter((line) => line.includes(text))).toEqual([])
    },
    async stop() {
      await mesh.stop()
      await pool.stop()
    },
  }
}

/** Every form in which a text could be recognized without a key, in lower case. */
function formsOf(text: string): readonly string[] {
  // Of base64 what does not depend on where the text began.
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.from('\0'.repeat(offset) + text)
      .toString('base64')
      .slice(4, 14),
  )
  const hashes = ['sha256', 'sha1', 'md5'].flatMap((name) => {
    const digest = createHash(name).update(text).digest()
    return [digest.toString('hex').slice(0, 16), digest.toString('base64').slice(0, 12)]
  })
  const hex = Buffer.from(text).toString('hex')
  return [text, text.slice(2, 11), hex, ...base64, ...hashes].map((form) => form.toLowerCase())
}

/** Parts of all secrets, their hashes, and where the pool is, in lower case. */
function secretsOf(pool: RecordingPool): readonly string[] {
  const masterSecrets = ['fingerprint', 'encryption'].map((kind) => `test ${kind} secret of 32 bytes or more`)
  const secrets = [...Object.values(KEYS), ADMIN_TOKEN, ...masterSecrets]
  const parts = secrets.flatMap((secret) => [
    secret.slice(0, 20),
    secret.slice(-16),
    createHash('sha256').update(secret).digest('hex').slice(0, 16),
  ])
  return [...parts, '127.0.0.1', 'localhost', `:${pool.port}`].map((text) => text.toLowerCase())
}
