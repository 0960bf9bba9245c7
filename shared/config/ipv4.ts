/** Reads IPv4 addresses as URLs spell them (decimal, octal, hex, one to four parts), and tells their kind. */
import type { HostKind } from './host-kind.ts'

type Range = readonly [network: string, prefixBits: number, kind: HostKind]

/** IANA's special-purpose registry (RFC 6890), and the addresses where clouds offer credentials. First match wins. */
const RANGES: readonly Range[] = [
  ['168.63.129.16', 32, 'link_local'], // Azure's wire server
  ['100.100.100.200', 32, 'link_local'], // Alibaba Cloud's metadata
  ['192.0.0.192', 32, 'link_local'], // Oracle Cloud's metadata
  ['0.0.0.0', 8, 'loopback'], // "this host": most systems connect to themselves
  ['127.0.0.0', 8, 'loopback'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'private'], // behind a provider's NAT (RFC 6598)
  ['169.254.0.0', 16, 'link_local'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'], // documentation
  ['192.88.99.0', 24, 'reserved'], // 6to4 relays
  ['198.18.0.0', 15, 'reserved'], // benchmarks
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'reserved'], // multicast
  ['240.0.0.0', 4, 'reserved'],
]

/** The address as a number, by the URL Standard's IPv4 parser; undefined if the labels are no address. */
export function parseIpv4(labels: readonly string[]): number | undefined {
  const parts = labels.map(parsePart)
  if (parts.length > 4) return undefined
  let address = 0
  for (const [index, part] of parts.entries()) {
    if (part === undefined) return undefined
    // The last part fills all bytes that are left: 127.1 is 127.0.0.1.
    const isLast = index === parts.length - 1
    const bytes = isLast ? 4 - index : 1
    if (part >= 256 ** bytes) return undefined
    address = address * 256 ** bytes + part
  }
  return address
}

export function classifyIpv4(address: number): HostKind {
  const range = RANGES.find(([network, prefixBits]) => {
    const size = 2 ** (32 - prefixBits)
    return Math.floor(address / size) === Math.floor((parseIpv4(network.split('.')) ?? 0) / size)
  })
  return range?.[2] ?? 'public'
}

function parsePart(text: string): number | undefined {
  if (/^0x[0-9a-f]*$/.test(text)) return text === '0x' ? 0 : Number.parseInt(text, 16)
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  return /^(?:0|[1-9][0-9]*)$/.test(text) ? Number(text) : undefined
}
