/** The command itself, as an operator starts it. */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../../../..')
const FOLDER = mkdtempSync(join(tmpdir(), 'warmpath-mesh-'))
const TOKEN = 'the-right-admin-token'

const server = createServer((request, response) => {
  const isRight = request.headers.authorization === `Bearer ${TOKEN}`
  response.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' })
  response.end(
    JSON.stringify(
      isRight
        ? { seen_from: 'eu-central', pools: [{ id: 'eu-1' }] }
        : { error: { code: 'admin_unauthorized' } },
    ),
  )
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
})
afterAll(() => {
  server.close()
  rmSync(FOLDER, { recursive: true })
})

function mesh(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return new Promise<{ code: number; out: string; error: string }>((resolve) => {
    const file = join(ROOT, 'tools/cli/main.ts')
    const env = { PATH: process.env['PATH'] ?? '', ...environment }
    execFile(process.execPath, [file, ...args], { env, encoding: 'utf8' }, (failure, out, error) => {
      resolve({ code: typeof failure?.code === 'number' ? failure.code : 0, out, error })
    })
  })
}

/** A process takes its time to start, on a busy machine several seconds. */
describe('mesh', { timeout: 60_000 }, () => {
  test('alone says what there is, and that this was no command', async () => {
    const { code, out, error } = await mesh([])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error).toMatch(/^Usage: mesh /)
    for (const name of [
      'status',
      'pools',
      'config',
      'cache',
      'residency',
      'route',
      'receipt',
      'audit',
      'import',
    ]) {
      expect(error).toMatch(new RegExp(`^  ${name} `, 'm'))
    }
  })

  test.each([
    [['--help'], /^Usage: mesh \[options\] \[command\]\n\nLooks into a Warmpath mesh/],
    [['pools', '--help'], /^Usage: mesh pools \[options\] \[command\]/],
    [['pools', 'drain', '--help'], /^Usage: mesh pools drain \[options\] <pool>/],
    [['import', 'litellm', '-h'], /Example:\n {2}mesh import litellm config\.yaml --region/],
  ])('%j is answered', async (args, help) => {
    const { code, out, error } = await mesh(args)
    expect({ code, error }).toEqual({ code: 0, error: '' })
    expect(out).toMatch(help)
  })

  test.each([
    [['pool'], "error: unknown command 'pool'\n(Did you mean pools?)\n(mesh --help says how)\n"],
    [
      ['pools', 'list', '--jsno'],
      "error: unknown option '--jsno'\n(Did you mean --json?)\n(mesh pools list --help says how)\n",
    ],
    [['pools', 'drain'], "error: missing required argument 'pool'\n(mesh pools drain --help says how)\n"],
    [
      ['pools', 'list', 'x'],
      "error: too many arguments for 'list'. Expected 0 arguments but got 1: x.\n(mesh pools list --help says how)\n",
    ],
    [['pools', 'list'], 'Which mesh? Give --url https://mesh.example.com, or set MESH_URL.\n'],
  ])('%j is wrong usage', async (args, error) => {
    expect(await mesh(args)).toEqual({ code: 2, out: '', error })
  })

  test('asks a mesh, for people and for programs', async () => {
    const environment = { MESH_URL: url, MESH_ADMIN_TOKEN: TOKEN }
    expect(await mesh(['pools', 'list'], environment)).toMatchObject({ code: 0, error: '' })
    const { out } = await mesh(['pools', 'list', '--json'], environment)
    expect(JSON.parse(out)).toEqual({ seen_from: 'eu-central', pools: [{ id: 'eu-1' }] })
  })

  test('says that a token is wrong, without saying which', async () => {
    const { code, out, error } = await mesh(['pools', 'list'], {
      MESH_URL: url,
      MESH_ADMIN_TOKEN: 'a-wrong-one',
    })
    expect({ code, out }).toEqual({ code: 4, out: '' })
    expect(error).toBe('The mesh does not take the admin token (MESH_ADMIN_TOKEN, or --token-file).\n')
  })

  test('says that a mesh cannot be reached', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const address = gone.address()
    const nowhere = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await new Promise((resolve) => gone.close(resolve))
    const { code, error } = await mesh(['status'], { MESH_URL: nowhere, MESH_ADMIN_TOKEN: TOKEN })
    expect({ code, error }).toEqual({
      code: 3,
      error: `The mesh at ${nowhere} cannot be reached: nothing listens there.\n`,
    })
  })

  test('imports a config that it then finds right', async () => {
    const [config, cases] = [join(FOLDER, 'mesh.toml'), join(FOLDER, 'mesh.test.toml')]
    const source = join(ROOT, 'test/fixtures/import/litellm.yaml')
    const args = [
      'import',
      'litellm',
      source,
      '--region',
      'us-east:us',
      '--place',
      '*=us-east',
      '-o',
      config,
      '--cases',
      cases,
    ]
    const imported = await mesh(args)
    expect(imported).toMatchObject({ code: 0, out: '' })
    expect(imported.error).toContain('Left out:\n  model_list[2] (claude-on-bedrock): ')
    expect(readFileSync(config, 'utf8')).not.toContain('sk-')
    expect(await mesh(['config', 'check', config])).toMatchObject({ code: 0, error: '' })
    expect(await mesh(['config', 'test', cases, '--config', config])).toMatchObject({ code: 0, error: '' })
    // What is there stays there.
    writeFileSync(config, 'mine')
    expect(await mesh(args)).toMatchObject({ code: 1 })
    expect(readFileSync(config, 'utf8')).toBe('mine')
  })

  test('refuses to import what it would have to guess', async () => {
    const source = join(ROOT, 'test/fixtures/import/litellm.yaml')
    const { code, out, error } = await mesh(['import', 'litellm', source])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error).toMatch(
      /^Where the pools are stands in no such config, and the mesh must know: give --region ID:JURISDICTION/,
    )
    const nowhere = await mesh(['import', 'litellm', source, '--region', 'us-east:us', '--json'])
    expect(nowhere.code).toBe(1)
    expect((JSON.parse(nowhere.out) as { error: { message: string } }).error.message).toContain(
      'nobody said where story.pools.example.com is: give --place story.pools.example.com=REGION',
    )
  })
})
