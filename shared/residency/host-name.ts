/** Host names compare without case, port and the root's dot (RFC 3986 §3.2.2, RFC 1034 §3.1). */
export function bareHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
}
