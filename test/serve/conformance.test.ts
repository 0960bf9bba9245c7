/** The suite that drives a mesh with the real SDKs, unchanged, against a node: the production bundle on workerd. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PROJECT_DIR } from '../../tools/build/wrangler.ts'
import { ownAddress, startPrivatePool, type PrivatePool } from './private-pools.ts'
import { configFor, KEY, startNode, type RunningNode } from './running-node.ts'

/** It starts a mesh of its own, whatever is running. */
const LEFT_OUT = ['local-start.test.ts']
/** So that a suite that leaves out more and more does not pass for one that passes. */
const MIN_PASSED = 240
const WITHIN_MS = 150_000

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
})

const host = ownAddress()
if (host === undefined) console.log('Left out, because this machine is on no network: conformance of a node')

describe.skipIf(host === undefined)('a node', () => {
  let dir = ''
  let pools: PrivatePool[] = []
  let node: RunningNode

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'warmpath-conformance-'))
    pools = await Promise.all([0, 1].map(() => startPrivatePool(host ?? '', {})))
    await writeFile(path.join(dir, 'mesh.toml'), configFor([pools[0]?.url ?? '', pools[1]?.url ?? '']))
    const files = ['--config', path.join(dir, 'mesh.toml'), '--data', path.join(dir, 'data')]
    node = await startNode([...files, '--notice-seconds', '0'])
  })

  afterAll(async () => {
    node.kill('SIGTERM')
    await node.ended
    await Promise.all(pools.map((pool) => pool.close()))
    await rm(dir, { recursive: true, force: true })
  })

  test(
    'passes the conformance suite',
    async () => {
      const { printed, report } = await runSuite({ url: node.url, file: path.join(dir, 'report.json') })
      const failed = report.testResults.flatMap(({ name, status, message, assertionResults }) => [
        ...(status === 'failed' && assertionResults.length === 0 ? [`${name}: ${message}`] : []),
        ...assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName),
      ])
      expect(failed, printed).toEqual([])
      expect(report.numFailedTests).toBe(0)
      expect(report.numPassedTests, printed).toBeGreaterThanOrEqual(MIN_PASSED)
      console.log(`Against a node, ${report.numPassedTests} tests of the conformance suite passed.`)
    },
    WITHIN_MS,
  )
})

/** As an operator would run it against his own, in a process that knows the node by its URL alone. */
async function runSuite({ url, file }: { readonly url: string; readonly file: string }) {
  const suite = path.join(PROJECT_DIR, 'test/conformance')
  const files = (await readdir(suite)).filter((name) => name.endsWith('.test.ts') && !LEFT_OUT.includes(name))
  const child = spawn(
    process.execPath,
    [
      [path.join(PROJECT_DIR, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'conformance'],
      ['--reporter', 'default', '--reporter', 'json', '--outputFile.json', file],
      files.map((name) => path.join(suite, name)),
    ].flat(),
    {
      cwd: PROJECT_DIR,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        NO_COLOR: '1',
        WARMPATH_URL: url,
        WARMPATH_KEY: KEY,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  }
  await once(child, 'close')
  return { printed, report: reportSchema.parse(JSON.parse(await readFile(file, 'utf8'))) }
}
