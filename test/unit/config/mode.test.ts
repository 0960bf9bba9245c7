import { describe, expect, test } from 'vitest'
import { formatMeshMode, parseMeshMode } from '../../../shared/config/mode.ts'

describe('parseMeshMode', () => {
  test.each([
    ['cloudflare', { kind: 'cloudflare' }],
    ['dev', { kind: 'dev' }],
    ['single:eu', { kind: 'single', jurisdiction: 'eu' }],
    ['single:fedramp-high', { kind: 'single', jurisdiction: 'fedramp-high' }],
  ])('reads %s, which is written the same again', (text, mode) => {
    const result = parseMeshMode(text)
    expect(result).toEqual({ ok: true, value: mode })
    expect(result.ok && formatMeshMode(result.value)).toBe(text)
  })

  test.each([undefined, ''])('has no default: %j is answered with what to set', (text) => {
    expect(parseMeshMode(text)).toEqual({
      ok: false,
      error:
        'MESH_MODE is not set. Set it to "cloudflare", "single:" and the jurisdiction of these machines (for example "single:eu"), or "dev".',
    })
  })

  test.each(['Dev', ' dev', 'production', 'single', 'single:', 'single:EU', 'single:e u', 'cloudflare:eu'])(
    'refuses %j rather than guess',
    (text) => {
      const result = parseMeshMode(text)
      expect(result.ok ? '' : result.error).toMatch(
        /^MESH_MODE is not a mode the mesh knows\. Set it to "cloudflare", /,
      )
    },
  )
})
