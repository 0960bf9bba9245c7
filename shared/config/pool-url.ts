/**
 * Decides whether a URL may be a pool's. It reads only a plain spelling of URLs (no escapes, no Unicode, no
 * backslashes in the host), so that what is checked here is what every other reader of the URL connects to.
 */
import { classifyHost } from './host.ts'
import type { HostKind } from './host-kind.ts'
import type { MeshMode } from './mode.ts'
import { quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

type Fault = Pick<ConfigProblem, 'found' | 'expected'>

/** How a pool is connected to: over the public network, or through a binding that leads into a private one. */
export type Way = 'directly' | 'through_binding'

const EXAMPLE = 'give a base URL such as "https://gpu.example.com/v1"'
const PLAIN_URL =
  /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?((?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*)$/i
const MAX_PORT = 65_535

/** What is wrong with a pool's URL, or undefined. Parts that may be secret (credentials, a query) are not repeated. */
export function checkPoolUrl(url: string, mode: MeshMode, way: Way = 'directly'): Fault | undefined {
  if (!/^https?:\/\//i.test(url)) return { found: 'it is not an http or https URL', expected: EXAMPLE }
  const authority = /^https?:\/\/([^/?#\\]*)/i.exec(url)?.[1] ?? ''
  if (authority.includes('@')) {
    return { found: 'a URL with credentials', expected: 'remove them, and name a secret with auth' }
  }
  if (url.includes('?')) return { found: 'a URL with a query', expected: 'remove the "?" and what follows' }
  if (url.includes('#'))
    return { found: 'a URL with a fragment', expected: 'remove the "#" and what follows' }

  const [, scheme, host, port, path] = PLAIN_URL.exec(url) ?? []
  if (scheme === undefined || host === undefined || Number(port ?? 1) > MAX_PORT || port === '0') {
    return { found: `${quote(url)} is not a URL in plain letters`, expected: EXAMPLE }
  }
  if (path?.endsWith('/'))
    return { found: `${quote(url)} ends with "/"`, expected: 'remove the "/" at the end' }
  if (path?.split('/').some((part) => part === '.' || part === '..') || path?.includes('//')) {
    return {
      found: `${quote(url)} has "//", "." or ".." in its path`,
      expected: 'write the path without them',
    }
  }
  const kind = classifyHost(host)
  if (kind === 'invalid') return { found: `${quote(url)} has no valid host`, expected: EXAMPLE }
  // What is sent into a private network travels to its door encrypted, by the binding.
  if (way === 'through_binding' && kind === 'private') return undefined
  return checkHost(url, kind, { mode, way }) ?? checkScheme(url, scheme, mode)
}

function checkHost(
  url: string,
  kind: Exclude<HostKind, 'invalid'>,
  { mode, way }: { readonly mode: MeshMode; readonly way: Way },
): Fault | undefined {
  if (kind === 'public' || isAllowed(kind, mode)) return undefined
  return {
    found: `${quote(url)} is ${KIND_PHRASES[kind]}, which is allowed ${kind === 'private' ? 'on your own machines and in dev' : 'in dev'} only`,
    expected:
      way === 'directly'
        ? 'give a public address, or a binding'
        : 'give the address it has in its own network',
  }
}

/** On one's own machines private networks are the point; the machine itself and the cloud's metadata are not. */
function isAllowed(kind: HostKind, mode: MeshMode): boolean {
  return mode.kind === 'dev' || (mode.kind === 'single' && kind === 'private')
}

const KIND_PHRASES: Readonly<Record<Exclude<HostKind, 'public' | 'invalid'>, string>> = {
  loopback: 'a loopback address',
  private: 'a private address',
  link_local: 'a link-local or metadata address',
  reserved: 'a reserved address',
}

function checkScheme(url: string, scheme: string, mode: MeshMode): Fault | undefined {
  if (scheme.toLowerCase() === 'https' || mode.kind !== 'cloudflare') return undefined
  return { found: `${quote(url)} would send prompts unencrypted`, expected: 'use https' }
}
