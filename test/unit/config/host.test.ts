import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classifyHost } from '../../../shared/config/host.ts'

describe('classifyHost', () => {
  test.each([
    ['gpu.example.com', 'public'],
    ['GPU.Example.COM.', 'public'],
    ['8.8.8.8', 'public'],
    ['[2606:4700::1111]', 'public'],
    ['local.example.com', 'public'],
    ['10.example.com', 'public'],

    ['localhost', 'loopback'],
    ['LOCALHOST.', 'loopback'],
    ['pool.localhost', 'loopback'],
    ['localhost.localdomain', 'loopback'],
    ['127.0.0.1', 'loopback'],
    ['127.1', 'loopback'],
    ['127.0.0.1.', 'loopback'],
    ['2130706433', 'loopback'],
    ['0x7f000001', 'loopback'],
    ['0x7F.1', 'loopback'],
    ['0177.0.0.1', 'loopback'],
    ['017700000001', 'loopback'],
    ['0', 'loopback'],
    ['0x', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['[::1]', 'loopback'],
    ['[::]', 'loopback'],
    ['[0:0:0:0:0:0:0:1]', 'loopback'],
    ['[::ffff:127.0.0.1]', 'loopback'],
    ['[::FFFF:7f00:1]', 'loopback'],
    ['[::127.0.0.1]', 'loopback'],
    ['[64:ff9b::7f00:1]', 'loopback'],
    ['[2002:7f00:1::]', 'loopback'],

    ['10.0.0.1', 'private'],
    ['167772161', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['0300.0250.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['100.128.0.1', 'public'],
    ['[fc00::1]', 'private'],
    ['[fdff:ffff::1]', 'private'],
    ['[::ffff:10.0.0.1]', 'private'],
    ['[64:ff9b:1::1]', 'private'],
    ['vllm', 'private'],
    ['gpu_1', 'private'],
    ['gpu.local', 'private'],
    ['gpu.svc.cluster.local.', 'private'],
    ['gpu.internal', 'private'],
    ['gpu.home.arpa', 'private'],

    ['169.254.169.254', 'link_local'],
    ['0xa9fea9fe', 'link_local'],
    ['[fe80::1]', 'link_local'],
    ['[febf::1]', 'link_local'],
    ['[::ffff:169.254.169.254]', 'link_local'],
    ['[fd00:ec2::254]', 'link_local'],
    ['100.100.100.200', 'link_local'],
    ['168.63.129.16', 'link_local'],
    ['metadata.google.internal', 'link_local'],

    ['192.0.2.1', 'reserved'],
    ['198.19.0.1', 'reserved'],
    ['224.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['[ff02::1]', 'reserved'],
    ['[2001:db8::1]', 'reserved'],

    ['256.0.0.1', 'invalid'],
    ['1.2.3.4.5', 'invalid'],
    ['127.0.0.09', 'invalid'],
    ['4294967296', 'invalid'],
    ['a..b', 'invalid'],
    ['.', 'invalid'],
    ['[::1::]', 'invalid'],
    ['[1:2:3]', 'invalid'],
    ['[12345::]', 'invalid'],
    ['[::1.2.3]', 'invalid'],
  ])('%s is %s', (host, kind) => {
    expect(classifyHost(host)).toBe(kind)
  })

  test('reads every spelling of an IPv4 address as the same address', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(8, 10, 16),
        (address, parts, base) => {
          const dotted = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255)
          expect(classifyHost(spell(dotted, parts, base))).toBe(classifyHost(dotted.join('.')))
        },
      ),
    )
  })

  test('reads every host as the URL Standard does', () => {
    const hosts = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefx.'.split('')), minLength: 1, maxLength: 20 }),
      fc
        .array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('0x7f', '010', '08', '')), {
          minLength: 1,
          maxLength: 5,
        })
        .map((labels) => labels.join('.')),
      fc.ipV6().map((address) => `[${address}]`),
      fc
        .string({ unit: fc.constantFrom(...'0123456789abcf:.'.split('')), minLength: 1, maxLength: 20 })
        .map((text) => `[${text}]`),
    )
    fc.assert(
      fc.property(hosts, (host) => {
        const kind = classifyHost(host)
        const canonical = URL.parse(`http://${host}/`)?.hostname
        if (canonical === undefined) expect(kind).toBe('invalid')
        // Empty labels are names to the Standard and nonsense to us.
        else if (kind !== 'invalid') expect(kind).toBe(classifyHost(canonical))
      }),
      { numRuns: 2000 },
    )
  })
})

/** An address in `parts` parts: the last one holds what is left. */
function spell(bytes: readonly number[], parts: number, base: number): string {
  const last = bytes.slice(parts - 1).reduce((sum, byte) => sum * 256 + byte, 0)
  const prefix = { 8: '0', 10: '', 16: '0x' }[base] ?? ''
  return [...bytes.slice(0, parts - 1), last].map((part) => `${prefix}${part.toString(base)}`).join('.')
}
