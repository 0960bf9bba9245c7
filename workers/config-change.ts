/** Changes the stored config: what is asked for is checked and compared before the store replaces one version by another. */
import { failuresOf, parseCases } from '../shared/config/cases.ts'
import { describeProblem, parseMeshConfig } from '../shared/config/parse.ts'
import { diffConfigs, type ConfigDiff } from '../shared/config-diff/diff.ts'
import type { GatewayError } from '../shared/errors.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { MeshConfig } from '../shared/schema/mesh.ts'
import { versionOfText, type Mesh } from './mesh.ts'
import { meshOfText } from './mesh-of-text.ts'

/** A refusal, and what an operator is shown with it. */
export interface Refused {
  readonly error: GatewayError
  readonly more?: { readonly mistakes?: readonly string[]; readonly diff?: ConfigDiff }
}

export interface CheckedConfig {
  readonly mesh: Mesh
  readonly version: string
  readonly diff: ConfigDiff
}

export interface WantedConfig {
  readonly text: string
  readonly cases?: string
}

/** Of a config that an older deploy took and this one cannot read nothing is known: everything is more than nothing. */
const UNREADABLE = 'the current config cannot be read by this deploy: everything counts as newly allowed'

/** Fails with `invalid_config` or `config_cases_failed`, and the lines. `deployed` is what a stored config may use. */
export async function checkConfig(
  { text, cases }: WantedConfig,
  deployed: Mesh,
  current: string,
): Promise<Result<CheckedConfig, Refused>> {
  const mesh = meshOfText(text, deployed)
  if (!mesh.ok) return refused({ reason: 'invalid_config', mistakes: mesh.error.length }, mesh.error)
  const failures = cases === undefined ? [] : casesFailing(cases, mesh.value)
  if (failures.length > 0) {
    return refused({ reason: 'config_cases_failed', failed: failures.length }, failures)
  }
  const version = await versionOfText(text)
  return ok({ mesh: mesh.value, version, diff: diffOf(current, mesh.value.config, deployed) })
}

/** Whether an operator who has seen nothing yet would have to say yes to something. */
export function unaccepted(
  diff: ConfigDiff,
  {
    accept_widening: mayWiden,
    accept_orphans: mayOrphan,
  }: { accept_widening: boolean; accept_orphans: boolean },
): Refused | undefined {
  if (diff.widened.length > 0 && !mayWiden) {
    return { error: { reason: 'widening_not_accepted' }, more: { diff } }
  }
  if (diff.orphaned.length > 0 && !mayOrphan) {
    return { error: { reason: 'orphans_not_accepted' }, more: { diff } }
  }
  return undefined
}

/** How a config differs from the text of another. */
export function diffOf(before: string, after: MeshConfig, { mode }: Mesh): ConfigDiff {
  const old = parseMeshConfig(before, { mode })
  if (old.ok) return diffConfigs(old.value, after)
  return { widened: [UNREADABLE], narrowed: [], orphaned: [], changed: [] }
}

/** The mistakes of a text, in lines. */
export function mistakesOf(text: string, deployed: Mesh): readonly string[] {
  const mesh = meshOfText(text, deployed)
  return mesh.ok ? [] : mesh.error
}

export function readConfig(text: string, { mode }: Mesh): Result<MeshConfig, readonly string[]> {
  const config = parseMeshConfig(text, { mode })
  return config.ok ? config : err(config.error.map(describeProblem))
}

function casesFailing(text: string, mesh: Mesh): readonly string[] {
  const cases = parseCases(text)
  if (!cases.ok) return cases.error
  return cases.value.flatMap((one) => failuresOf(one, mesh).map((failure) => `${one.name}: ${failure}`))
}

function refused(error: GatewayError, mistakes: readonly string[]): Result<never, Refused> {
  return err({ error, more: { mistakes } })
}
