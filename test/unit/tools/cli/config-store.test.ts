import { describe, expect, test } from 'vitest'
import { run } from './a-world.ts'

const [OLD, NEW] = ['cfg_000000000001', 'cfg_000000000002']
const DIFF = {
  widened: ['newly allowed: eu-bank → us-east, for story'],
  narrowed: [],
  orphaned: [],
  changed: ['limits.total_ms: 600000 → 60000'],
}
const FILES = { 'mesh.toml': 'version = 1', 'cases.toml': '[[cases]]' }

describe('mesh config put', () => {
  const answer = () => Response.json({ version: NEW, replaced: OLD, changed: true, diff: DIFF })

  test('names what it replaces, and sends text, cases and acceptance', async () => {
    const args = [
      'config',
      'put',
      '--expected',
      OLD,
      '--cases',
      'cases.toml',
      '--note',
      'why',
      '--accept-widening',
    ]
    const { code, out, calls } = await run(args, { answer, files: FILES })
    expect(code).toBe(0)
    expect(calls.map(({ method, url, body }) => [method, url, JSON.parse(body) as unknown])).toEqual([
      [
        'PUT',
        'https://mesh.example.com/admin/v1/config',
        {
          config: 'version = 1',
          cases: '[[cases]]',
          expected: OLD,
          note: 'why',
          accept_widening: true,
          accept_orphans: false,
        },
      ],
    ])
    expect(out.split('\n')).toEqual([
      `${NEW} is in force in place of ${OLD}. No request is served under an older one any more.`,
      'Allowed that was not (to be accepted with --accept-widening):',
      '  newly allowed: eu-bank → us-east, for story',
      'Changed besides:',
      '  limits.total_ms: 600000 → 60000',
      '',
    ])
  })

  test('without a version to replace changes nothing, and says which is in force', async () => {
    const { code, error, calls } = await run(['config', 'put'], {
      answer: () => Response.json({ version: OLD }),
      files: FILES,
    })
    expect(calls.map(({ method }) => method)).toEqual(['GET'])
    expect({ code, error }).toEqual({
      code: 2,
      error: `Which version does it replace? The one in force is ${OLD}: look at \`mesh config diff\`, then give --expected ${OLD}.\n`,
    })
  })

  test('shows with a refusal what was refused', async () => {
    const refusal = (status: number, code: string, more: object) => () =>
      Response.json({ error: { code, message: 'No.' }, ...more }, { status })
    const args = ['config', 'put', '--expected', OLD]
    expect(
      await run(args, {
        files: FILES,
        answer: refusal(400, 'invalid_config', { mistakes: ['pools: missing'] }),
      }),
    ).toMatchObject({ code: 1, error: 'Refused (invalid_config): No.\n  pools: missing\n' })
    const wider = await run(args, {
      files: FILES,
      answer: refusal(409, 'widening_not_accepted', { diff: DIFF }),
    })
    expect(wider.error).toContain('  newly allowed: eu-bank → us-east, for story\n')
    const json = await run([...args, '--json'], { files: FILES, answer: refusal(409, 'config_conflict', {}) })
    expect(JSON.parse(json.out)).toMatchObject({ error: { exit: 1, code: 'config_conflict', status: 409 } })
  })

  test('asks nobody about a file that is not there', async () => {
    expect(await run(['config', 'put', 'none.toml', '--expected', OLD], { files: FILES })).toMatchObject({
      code: 2,
      error: 'none.toml cannot be read.\n',
      calls: [],
    })
  })
})

test('mesh config rollback says where to, and what it replaces', async () => {
  const answer = () => Response.json({ version: OLD, replaced: NEW, changed: true, diff: {} })
  const { out, calls } = await run(['config', 'rollback', OLD, '--expected', NEW], { answer })
  expect(calls.map(({ method, url, body }) => [method, url, JSON.parse(body) as unknown])).toEqual([
    [
      'POST',
      'https://mesh.example.com/admin/v1/config/rollback',
      { version: OLD, expected: NEW, accept_widening: false, accept_orphans: false },
    ],
  ])
  expect(out).toContain('Nothing differs in what it does.')
})

test('mesh config diff compares a file, or a stored version, with what is in force or another version', async () => {
  const answer = () => Response.json({ against: OLD, diff: DIFF })
  const file = await run(['config', 'diff'], { answer, files: FILES })
  expect(file.out).toContain(`Against ${OLD}:\nAllowed that was not`)
  expect(JSON.parse(file.calls[0]?.body ?? '')).toEqual({ config: 'version = 1' })
  const stored = await run(['config', 'diff', '--version', NEW, '--against', OLD], { answer })
  expect(JSON.parse(stored.calls[0]?.body ?? '')).toEqual({ version: NEW, against: OLD })
  expect(await run(['config', 'diff', 'mesh.toml', '--version', NEW], { files: FILES })).toMatchObject({
    code: 2,
  })
})

test('mesh config history and show tell what was', async () => {
  const entry = {
    number: 2,
    version: NEW,
    at: '2026-11-24T12:00:00.000Z',
    act: 'put',
    who: 'admin',
    note: 'why',
  }
  const history = await run(['config', 'history', '--before', '3'], {
    answer: () => Response.json({ entries: [entry] }),
  })
  expect(history.calls[0]?.url).toBe('https://mesh.example.com/admin/v1/config/history?before=3')
  expect(history.out.split('\n')).toEqual([
    'NO.  VERSION           AT                        ACT  WHO    NOTE',
    '  2  cfg_000000000002  2026-11-24T12:00:00.000Z  put  admin  why',
    '',
  ])
  const show = await run(['config', 'show', NEW], {
    answer: () => Response.json({ ...entry, config: 'version = 1\n' }),
  })
  expect(show.out).toBe('version = 1\n')
})

describe('mesh usage', () => {
  const csv = 'day,model,spent\r\n2026-11-01,"a, ""b""",0.25\r\n'

  test('is a table for people and CSV for chargeback', async () => {
    const answer = () => new Response(csv)
    const { out, calls } = await run(['usage', 'demo', '--from', '2026-11-01', '--to', '2026-11-30'], {
      answer,
    })
    expect(calls[0]?.url).toBe(
      'https://mesh.example.com/admin/v1/tenants/demo/usage?from=2026-11-01&to=2026-11-30&format=csv',
    )
    expect(out.split('\n')).toEqual(['DAY         MODEL   SPENT', '2026-11-01  a, "b"   0.25', ''])
    expect((await run(['usage', 'demo', '--csv'], { answer })).out).toBe(
      'day,model,spent\n2026-11-01,"a, ""b""",0.25\n',
    )
  })

  test('is what the mesh says for programs', async () => {
    const { out, calls } = await run(['usage', 'demo', '--json'], {
      answer: () => Response.json({ rows: [] }),
    })
    expect(calls[0]?.url).toBe('https://mesh.example.com/admin/v1/tenants/demo/usage?')
    expect(JSON.parse(out)).toEqual({ rows: [] })
  })

  test('wants days', async () => {
    expect(await run(['usage', 'demo', '--from', 'yesterday'])).toMatchObject({ code: 2, calls: [] })
  })
})
