/**
 * The published keys of issuers, as this isolate has last seen them. They are asked for when they are needed and old, or
 * when a token names a key that is not among them; while an issuer is down, those it had are good for an hour.
 */
import { z } from 'zod'
import type { Region } from '../../shared/schema/mesh.ts'
import type { OidcIssuer } from '../../shared/schema/config-oidc.ts'
import { callOut, readBeginning } from '../outgoing/call.ts'
import type { Runtime } from '../runtime.ts'

export interface IssuerKeys {
  /** Undefined where nobody can say now. `kid`: the key that is looked for. */
  of(issuer: OidcIssuer, kid: string | undefined, from: Region): Promise<KeySet | undefined>
}

export type KeySet = z.output<typeof keySet>

/** Longer than this a key that its issuer has taken back would still be believed. */
const FRESH_MS = 600_000
const STALE_MS = 3_600_000
/** Tokens with invented key ids must not make us hammer an issuer. */
const PAUSE_MS = 30_000
const ASK_WITHIN_MS = 3000
const MAX_BYTES = 256 * 1024

const keySet = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(64),
})

interface Known {
  readonly keys: KeySet | undefined
  readonly readAtMs: number
  readonly askedAtMs: number
}

export function createIssuerKeys(runtime: Runtime): IssuerKeys {
  const known = new Map<string, Known>()

  async function ask({ jwks_url: url }: OidcIssuer, from: Region): Promise<KeySet | undefined> {
    const answer = await callOut(
      {
        url,
        method: 'GET',
        headers: { accept: 'application/json' },
        allowedHosts: new Set([new URL(url).host]),
        headersWithinMs: ASK_WITHIN_MS,
        abort: new AbortController(),
        from,
      },
      runtime,
    )
    if (!answer.ok) return undefined
    const text = await readBeginning(answer.value, MAX_BYTES, ASK_WITHIN_MS)
    if (answer.value.status !== 200) return undefined
    try {
      return keySet.safeParse(JSON.parse(text)).data
    } catch {
      return undefined
    }
  }

  return {
    async of(issuer, kid, from) {
      const before = known.get(issuer.jwks_url)
      const nowMs = runtime.now()
      const isFresh = before !== undefined && nowMs - before.readAtMs < FRESH_MS
      const isKnown = before?.keys?.keys.some((key) => kid === undefined || key.kid === kid) ?? false
      const hasJustAsked = before !== undefined && nowMs - before.askedAtMs < PAUSE_MS
      if (!(isFresh && isKnown) && !hasJustAsked) {
        // Noted before asking: of those that come meanwhile each would ask as well.
        known.set(issuer.jwks_url, { keys: before?.keys, readAtMs: before?.readAtMs ?? 0, askedAtMs: nowMs })
        const keys = await ask(issuer, from)
        if (keys !== undefined) {
          known.set(issuer.jwks_url, { keys, readAtMs: nowMs, askedAtMs: nowMs })
          return keys
        }
      }
      return before !== undefined && nowMs - before.readAtMs < STALE_MS ? before.keys : undefined
    },
  }
}
