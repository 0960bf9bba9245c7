/**
 * Tells what kind of place a URL's host is, in whatever spelling, by the rules of the WHATWG URL Standard. What a
 * public name resolves to is not known here.
 */
import type { HostKind } from './host-kind.ts'
import { classifyIpv4, parseIpv4 } from './ipv4.ts'
import { classifyIpv6, parseIpv6 } from './ipv6.ts'

/** Names that lead to the machine itself (RFC 6761 §6.3, and the /etc/hosts of common systems). */
const LOOPBACK_NAMES = ['localhost', 'localdomain', 'ip6-localhost', 'ip6-loopback']
/** Names under which clouds offer credentials to any process that asks. */
const METADATA_NAMES = ['metadata.google.internal', 'metadata', 'instance-data', 'metadata.azure.internal']
/** Top-level names that exist on private networks only (RFC 6762, RFC 8375, ICANN's .internal, common habits). */
const PRIVATE_SUFFIXES = ['local', 'internal', 'home.arpa', 'lan', 'intranet', 'corp', 'home', 'private']

/** @param host a host as it stands in a URL, IPv6 in brackets; only the characters A–Z a–z 0–9 . _ - [ ] : */
export function classifyHost(host: string): HostKind {
  const name = host.toLowerCase()
  if (name.startsWith('[')) {
    const groups = parseIpv6(name.slice(1, -1))
    return groups === undefined ? 'invalid' : classifyIpv6(groups)
  }
  const bare = name.replace(/\.$/, '')
  const labels = bare.split('.')
  if (endsInNumber(labels)) {
    const address = parseIpv4(labels)
    return address === undefined ? 'invalid' : classifyIpv4(address)
  }
  if (bare.length > 253 || labels.some((label) => label === '' || label.length > 63)) return 'invalid'
  return classifyName(bare, labels.length)
}

/** Whether the URL Standard reads a host as an IPv4 address: its last label is a number. */
function endsInNumber(labels: readonly string[]): boolean {
  return /^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
}

function classifyName(name: string, labelCount: number): HostKind {
  if (METADATA_NAMES.includes(name)) return 'link_local'
  if (LOOPBACK_NAMES.some((suffix) => isWithin(name, suffix))) return 'loopback'
  if (PRIVATE_SUFFIXES.some((suffix) => isWithin(name, suffix))) return 'private'
  // A name without a dot is looked up in the machine's own search domain or hosts file.
  return labelCount === 1 ? 'private' : 'public'
}

function isWithin(name: string, suffix: string): boolean {
  return name === suffix || name.endsWith(`.${suffix}`)
}
