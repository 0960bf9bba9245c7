import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classifyHost } from '../../../shared/config/host.ts'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { checkPoolUrl } from '../../../shared/config/pool-url.ts'

const CLOUDFLARE: MeshMode = { kind: 'cloudflare' }
const SINGLE: MeshMode = { kind: 'single', jurisdiction: 'eu' }
const DEV: MeshMode = { kind: 'dev' }

describe('checkPoolUrl', () => {
  test.each<[url: string, cloudflare: boolean, single: boolean, dev: boolean]>([
    ['https://gpu.example.com/v1', true, true, true],
    ['https://gpu.example.com', true, true, true],
    ['HTTPS://GPU.example.com:8443/a/b-c/v1', true, true, true],
    ['http://gpu.example.com/v1', false, true, true],
    ['http://10.0.0.7:8000/v1', false, true, true],
    ['https://vllm:8000/v1', false, true, true],
    ['https://gpu.internal/v1', false, true, true],
    ['https://[fd00::7]/v1', false, true, true],
    ['http://127.0.0.1:8000/v1', false, false, true],
    ['https://[::ffff:7f00:1]/v1', false, false, true],
    ['http://localhost:11434/v1', false, false, true],
    ['https://169.254.169.254/v1', false, false, true],
    ['https://192.0.2.1/v1', false, false, true],
    ['https://256.1.1.1/v1', false, false, false],
    ['https://gpu.example.com/', false, false, false],
    ['https://gpu.example.com/v1/', false, false, false],
    ['https://gpu.example.com/../v1', false, false, false],
    ['https://gpu.example.com/%2e%2e/v1', false, false, false],
    ['https://gpu.example.com//v1', false, false, false],
    ['https://gpu.example.com:0/v1', false, false, false],
    ['https://gpu.example.com:65536/v1', false, false, false],
    ['https://gpu.example.com\\@127.0.0.1/v1', false, false, false],
    ['https://user@gpu.example.com/v1', false, false, false],
    ['https://gpu.example.com/v1?a=b', false, false, false],
    ['https://gpu.example.com/v1#a', false, false, false],
    ['https://127。0。0。1/v1', false, false, false],
    ['https://%31%32%37.0.0.1/v1', false, false, false],
    ['https://gpu.example.com/v1\n', false, false, false],
    [' https://gpu.example.com/v1', false, false, false],
    ['https:gpu.example.com/v1', false, false, false],
    ['https:///gpu.example.com/v1', false, false, false],
    ['//gpu.example.com/v1', false, false, false],
    ['file:///etc/passwd', false, false, false],
    ['', false, false, false],
  ])('%j: in cloudflare mode %s, on one’s own machines %s, in dev %s', (url, ...allowed) => {
    expect([CLOUDFLARE, SINGLE, DEV].map((mode) => checkPoolUrl(url, mode) === undefined)).toEqual(allowed)
  })

  test.each<[url: string, isAllowed: boolean]>([
    ['http://10.0.0.7:8000/v1', true],
    ['http://vllm:8000/v1', true],
    ['https://gpu.internal/v1', true],
    ['https://gpu.example.com/v1', true],
    ['http://gpu.example.com/v1', false],
    ['http://localhost:8000/v1', false],
    ['http://127.1/v1', false],
    ['http://169.254.169.254/v1', false],
    ['http://192.0.2.1/v1', false],
    ['http://user@10.0.0.7/v1', false],
  ])('%j through a binding, in cloudflare mode: %s', (url, isAllowed) => {
    expect(checkPoolUrl(url, CLOUDFLARE, 'through_binding') === undefined).toBe(isAllowed)
  })

  test('takes no URL that the URL Standard reads as leading elsewhere than to a public host', () => {
    const pieces = fc.constantFrom(
      'http',
      'https',
      '://',
      ':',
      '/',
      '\\',
      '@',
      '?',
      '#',
      '.',
      '[',
      ']',
      '%',
      '。',
      '\t',
      '127',
      '0x7f',
      '1',
      'localhost',
      '::',
      'ffff',
      'example.com',
      'v1',
      '10',
      '-',
      '_',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const url = `https://${parts.join('')}`
        if (checkPoolUrl(url, CLOUDFLARE) !== undefined) return
        const read = new URL(url)
        expect(classifyHost(read.hostname)).toBe('public')
        expect([read.protocol, read.username, read.password, read.search, read.hash]).toEqual([
          'https:',
          '',
          '',
          '',
          '',
        ])
        expect(url.endsWith(read.pathname) || read.pathname === '/').toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
