/** Reads IPv6 addresses and tells their kind, looking through the forms that carry an IPv4 address. */
import type { HostKind } from './host-kind.ts'
import { classifyIpv4, parseIpv4 } from './ipv4.ts'

type Range = readonly [network: string, prefixBits: number, kind: HostKind]

/** IANA's special-purpose registry (RFC 6890), and AWS's metadata. First match wins. */
const RANGES: readonly Range[] = [
  ['::', 128, 'loopback'], // unspecified: most systems connect to themselves
  ['::1', 128, 'loopback'],
  ['fd00:ec2::254', 128, 'link_local'],
  ['fc00::', 7, 'private'],
  ['fec0::', 10, 'private'], // site-local, deprecated
  ['fe80::', 10, 'link_local'],
  ['64:ff9b:1::', 48, 'private'], // local NAT64 (RFC 8215)
  ['100::', 64, 'reserved'], // discard
  ['2001::', 32, 'reserved'], // Teredo
  ['2001:db8::', 32, 'reserved'], // documentation
  ['3fff::', 20, 'reserved'], // documentation
  ['5f00::', 16, 'reserved'], // segment routing
  ['ff00::', 8, 'reserved'], // multicast
]

/** Prefixes whose addresses carry an IPv4 address, and the group where that begins. */
const EMBEDDED: readonly (readonly [network: string, prefixBits: number, group: number])[] = [
  ['::ffff:0:0', 96, 6], // v4-mapped
  ['::ffff:0:0:0', 96, 6], // v4-translated (RFC 2765)
  ['::', 96, 6], // v4-compatible, deprecated
  ['64:ff9b::', 96, 6], // NAT64 (RFC 6052)
  ['2002::', 16, 1], // 6to4
]

/** The eight groups of an address without brackets; undefined if it is none. Zone ids are none in a URL. */
export function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, index) => parseGroups(half, index === halves.length - 1))
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 8 ? head : undefined
  if (tail === undefined || head.length + tail.length > 7) return undefined
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

export function classifyIpv6(groups: readonly number[]): HostKind {
  const range = RANGES.find(([network, prefixBits]) => isWithin(groups, network, prefixBits))
  if (range !== undefined) return range[2]
  const embedded = EMBEDDED.find(([network, prefixBits]) => isWithin(groups, network, prefixBits))
  if (embedded === undefined) return 'public'
  const [high = 0, low = 0] = groups.slice(embedded[2], embedded[2] + 2)
  return classifyIpv4(high * 65_536 + low)
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const isLast = index === parts.length - 1
    // Only dotted decimal is allowed here, in four parts.
    if (!isLast || !mayEndInIpv4 || !/^(?:(?:0|[1-9][0-9]{0,2})(?:\.|$)){4}$/.test(part)) return undefined
    const address = parseIpv4(part.split('.'))
    if (address === undefined) return undefined
    groups.push(Math.floor(address / 65_536), address % 65_536)
  }
  return groups
}

function isWithin(groups: readonly number[], network: string, prefixBits: number): boolean {
  const prefix = parseIpv6(network) ?? []
  for (let bit = 0; bit < prefixBits; bit += 16) {
    const shift = Math.max(0, 16 - (prefixBits - bit))
    if ((groups[bit / 16] ?? 0) >> shift !== (prefix[bit / 16] ?? 0) >> shift) return false
  }
  return true
}
