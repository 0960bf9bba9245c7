/** How strictly the mesh keeps places apart, as the variable MESH_MODE says; there is no default on purpose. */
import { err, ok } from '../result.ts'
import type { Result } from '../result.ts'

/**
 * cloudflare: Cloudflare enforces storage jurisdictions. single: one's own machines, all in one jurisdiction. dev:
 * one machine that plays the whole mesh, with jurisdictions kept apart by name only.
 */
export type MeshMode =
  | { readonly kind: 'cloudflare' }
  | { readonly kind: 'single'; readonly jurisdiction: string }
  | { readonly kind: 'dev' }

const CHOICES =
  '"cloudflare", "single:" and the jurisdiction of these machines (for example "single:eu"), or "dev"'

/** Reads the text of MESH_MODE; the error is the sentence that says what to set. */
export function parseMeshMode(text: string | undefined): Result<MeshMode, string> {
  if (text === undefined || text === '') return err(`MESH_MODE is not set. Set it to ${CHOICES}.`)
  if (text === 'cloudflare' || text === 'dev') return ok({ kind: text })
  const single = /^single:([a-z][a-z0-9-]{1,31})$/.exec(text)
  if (single?.[1] !== undefined) return ok({ kind: 'single', jurisdiction: single[1] })
  return err(`MESH_MODE is not a mode the mesh knows. Set it to ${CHOICES}.`)
}

/** The text that `parseMeshMode` reads back as the same mode. */
export function formatMeshMode(mode: MeshMode): string {
  return mode.kind === 'single' ? `single:${mode.jurisdiction}` : mode.kind
}
