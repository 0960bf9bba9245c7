/** The kinds of place that a host can be; some are refused as a pool's. */
export type HostKind = 'public' | 'private' | 'loopback' | 'link_local' | 'reserved' | 'invalid'
