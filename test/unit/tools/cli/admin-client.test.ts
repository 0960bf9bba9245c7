/** How a mesh is asked, and what is said when it does not answer as it should. */
import { describe, expect, test } from 'vitest'
import { readUrl } from '../../../../tools/cli/admin-client.ts'
import { MESH, run } from './a-world.ts'

const LIST = ['pools', 'list']

describe('the address', () => {
  test.each([
    ['https://mesh.example.com', 'https://mesh.example.com'],
    ['https://mesh.example.com/', 'https://mesh.example.com'],
    ['https://example.com/mesh/', 'https://example.com/mesh'],
    ['http://localhost:8787', 'http://localhost:8787'],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
    ['http://127.1:8787', 'http://127.0.0.1:8787'],
    ['http://[::1]:8787', 'http://[::1]:8787'],
  ])('%s is one', (url, value) => {
    expect(readUrl(url)).toEqual({ ok: true, value })
  })

  test.each([
    ['http://mesh.example.com'],
    ['http://127.0.0.1.example.com'],
    ['http://localhost.example.com'],
    ['http://10.0.0.1'],
    ['http://0.0.0.0:8787'],
    ['https://user:pass@mesh.example.com'],
    ['https://mesh.example.com?x=1'],
    ['https://mesh.example.com#x'],
    ['ftp://mesh.example.com'],
    ['mesh.example.com'],
    [''],
  ])('"%s" is none, and nothing is asked', async (url) => {
    const { code, out, error, calls } = await run(LIST, { environment: { ...MESH, MESH_URL: url } })
    expect({ code, out, calls }).toEqual({ code: 2, out: '', calls: [] })
    expect(error).not.toContain('pass')
  })
})

describe('the token', () => {
  test('may come from a file, before the environment', async () => {
    const { calls } = await run([...LIST, '--token-file', 't'], { files: { t: 'of-the-file\n' } })
    expect(calls[0]?.token).toBe('Bearer of-the-file')
  })

  test.each([
    [
      { MESH_URL: MESH.MESH_URL },
      LIST,
      'Who asks? Set MESH_ADMIN_TOKEN to the admin token, or give --token-file FILE.',
    ],
    [
      { ...MESH, MESH_ADMIN_TOKEN: 'two words' },
      LIST,
      'The admin token is one line of printable characters without spaces.',
    ],
    [MESH, [...LIST, '--token-file', 'none'], 'none cannot be read.'],
  ])('is missed in words', async (environment, args, line) => {
    expect(await run(args, { environment })).toMatchObject({ code: 2, error: `${line}\n`, calls: [] })
  })

  test('cannot be given on the command line', async () => {
    const { code, error } = await run([...LIST, '--token=secret'])
    expect(code).toBe(2)
    expect(error).toContain("error: unknown option '--token'")
    expect(error).not.toContain('secret')
  })

  test('is not sent on where the mesh sends elsewhere', async () => {
    const answer = () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } })
    const { code, error, calls } = await run(LIST, { answer })
    expect({ code, count: calls.length }).toEqual({ code: 3, count: 1 })
    expect(error).toBe(
      'The mesh at https://mesh.example.com cannot be reached: it sends elsewhere, and the token stays here.\n',
    )
  })
})

describe('what goes wrong', () => {
  const errorOf = (status: number, code: string, message: string) => () =>
    Response.json({ error: { message, type: 'x', param: null, code } }, { status })

  test.each([
    [
      401,
      'admin_unauthorized',
      4,
      'The mesh does not take the admin token (MESH_ADMIN_TOKEN, or --token-file).',
    ],
    [403, 'role_not_allowed', 4, 'Not allowed: No.'],
    [403, 'residency_violation', 1, 'Refused (residency_violation): No.'],
    [404, 'not_found', 1, 'Refused (not_found): No.'],
    [409, 'config_conflict', 1, 'Refused (config_conflict): No.'],
    [503, 'config_unavailable', 1, 'Refused (config_unavailable): No.'],
  ])('a %s is said, and exits with its own code', async (status, code, exit, line) => {
    const answer = errorOf(status, code, 'No.')
    expect(await run(LIST, { answer })).toMatchObject({ code: exit, out: '', error: `${line}\n` })
    const json = await run([...LIST, '--json'], { answer })
    expect({ code: json.code, error: json.error }).toEqual({ code: exit, error: '' })
    expect(JSON.parse(json.out)).toMatchObject({ error: { exit, message: line, code, status } })
  })

  test.each([
    [{ code: 'ECONNREFUSED' }, 'nothing listens there'],
    [{ code: 'ENOTFOUND' }, 'there is no such host'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'its certificate is not to be trusted'],
    [undefined, 'the connection failed'],
  ])('a connection that fails with %j', async (cause, reason) => {
    const answer = () => Promise.reject(new TypeError('fetch failed', { cause }))
    expect(await run(LIST, { answer })).toMatchObject({
      code: 3,
      error: `The mesh at https://mesh.example.com cannot be reached: ${reason}.\n`,
    })
  })

  test('something that is no mesh', async () => {
    const { code, error } = await run(LIST, { answer: () => new Response('<html>') })
    expect(code).toBe(3)
    expect(error).toContain('what answers there is no mesh')
    expect(await run(LIST, { answer: () => Response.json({ hello: 1 }) })).toMatchObject({ code: 1 })
  })
})
