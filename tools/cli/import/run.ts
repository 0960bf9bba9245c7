/** An import from end to end: texts in, mesh.toml and a list of what does not carry over out. */
import { parseMeshMode } from '../../../shared/config/mode.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { id as tenantId, modelName } from '../../../shared/schema/config-values.ts'
import { parse as parseYaml } from 'yaml'
import { assemble } from './assemble.ts'
import type { Draft, Finding, TenantDraft } from './draft.ts'
import { readLitellmKeys } from './litellm-keys.ts'
import { readLitellm } from './litellm.ts'
import { readPlaces } from './places.ts'
import { readPortkey } from './portkey.ts'

export interface ImportQuestion {
  readonly text: string
  readonly regions: readonly string[]
  readonly places: readonly string[]
  /** `anywhere`, or jurisdictions between commas. */
  readonly floor?: string
  readonly tenant: string
  readonly contextLength: number
  readonly mode: string
  readonly acceptWidening: boolean
  readonly acceptSharedPrefix: boolean
  readonly nowMs: number
  /** LiteLLM: what /key/list and /team/list gave. */
  readonly keysText?: string
  readonly teamsText?: string
  /** Portkey: what clients ask for, and NAME=PROVIDER. */
  readonly models?: readonly string[]
  readonly providers?: readonly string[]
}

export interface Imported {
  readonly toml: string
  readonly config: MeshConfig
  readonly findings: readonly Finding[]
}

export interface ImportFailure {
  /** `usage`: something that only a person can say is missing. */
  readonly kind: 'usage' | 'refused'
  readonly lines: readonly string[]
}

export function importLitellm(question: ImportQuestion): Result<Imported, ImportFailure> {
  const root = readText(question.text, parseYaml)
  if (!root.ok) return refused('The file cannot be read as YAML.')
  const draft = readLitellm(root.value)
  if (!draft.ok) return refused(`The file cannot be imported: ${draft.error}.`)
  const models = [...new Set(draft.value.deployments.map(({ model }) => model))]
  const keys = readKeys(question, models)
  if (!keys.ok) return refused(keys.error)
  const { tenants, findings } = keys.value
  const all = { ...draft.value, findings: [...draft.value.findings, ...findings] }
  return finish(all, tenants.length === 0 ? undefined : tenants, { question, source: "LiteLLM's config" })
}

export function importPortkey(question: ImportQuestion): Result<Imported, ImportFailure> {
  const { models = [], providers = [] } = question
  if (models.length === 0 || models.some((model) => !modelName.safeParse(model).success)) {
    return usage(
      'What clients ask for stands in no Portkey config: give --model NAME, once for each, e.g. --model gpt-4o.',
    )
  }
  const byName = new Map<string, string>()
  for (const flag of providers) {
    const [, name, provider] = /^@?([^=]+)=([^=]+)$/.exec(flag) ?? []
    if (name === undefined || provider === undefined) return usage(`--provider ${flag}: give NAME=PROVIDER.`)
    byName.set(name, provider)
  }
  const root = readText(question.text, (text): unknown => JSON.parse(text))
  if (!root.ok) return refused('The file cannot be read as JSON.')
  const draft = readPortkey(root.value, { models, providers: byName })
  if (!draft.ok) return refused(`The file cannot be imported: ${draft.error}.`)
  return finish(draft.value, undefined, { question, source: "Portkey's config" })
}

function readKeys(
  { keysText, teamsText, tenant, nowMs, acceptWidening }: ImportQuestion,
  models: readonly string[],
): Result<{ readonly tenants: readonly TenantDraft[]; readonly findings: readonly Finding[] }, string> {
  if (keysText === undefined) return ok({ tenants: [], findings: [] })
  const keys = readText(keysText, (text): unknown => JSON.parse(text))
  const teams = readText(teamsText ?? '[]', (text): unknown => JSON.parse(text))
  if (!keys.ok || !teams.ok) return err('The file of keys or that of teams cannot be read as JSON.')
  const read = readLitellmKeys(
    { keys: keys.value, teams: teams.value },
    { tenant, models, nowMs, acceptWidening },
  )
  return read.ok ? read : err(`The keys cannot be imported: ${read.error}.`)
}

function finish(
  draft: Draft,
  tenants: readonly TenantDraft[] | undefined,
  { question, source }: { readonly question: ImportQuestion; readonly source: string },
): Result<Imported, ImportFailure> {
  const places = readPlaces(question)
  if (!places.ok) return usage(places.error)
  const mode = parseMeshMode(question.mode)
  if (!mode.ok) return usage(mode.error)
  if (!tenantId.safeParse(question.tenant).success)
    return usage('--tenant: give a name of lower-case letters, digits and inner hyphens.')
  const guards = draft.findings.filter(({ kind }) => kind === 'guard')
  if (guards.length > 0 && !question.acceptWidening) {
    return err({
      kind: 'refused',
      lines: [
        'Not imported: the mesh would allow what these settings may forbid. To go on without them: --accept-widening.',
        ...guards.map(({ where, reason }) => `  ${where}: ${reason}`),
      ],
    })
  }
  const { floor } = question
  const assembled = assemble(draft, {
    places: places.value,
    ...(floor === undefined
      ? {}
      : { floor: floor === 'anywhere' ? floor : floor.split(',').map((word) => word.trim()) }),
    tenants: tenants ?? [{ id: question.tenant, models: '*', keys: [] }],
    contextLength: question.contextLength,
    acceptSharedPrefix: question.acceptSharedPrefix,
    mode: mode.value,
    source,
  })
  if (!assembled.ok) return err({ kind: 'refused', lines: assembled.error })
  return ok({ ...assembled.value, findings: [...draft.findings, ...assembled.value.findings] })
}

function readText(text: string, read: (text: string) => unknown): Result<unknown, undefined> {
  try {
    return ok(read(text))
  } catch {
    // What exactly is wrong the readers say with excerpts of the file, in which keys may stand.
    return err(undefined)
  }
}

function usage(line: string): Result<never, ImportFailure> {
  return err({ kind: 'usage', lines: [line] })
}

function refused(line: string): Result<never, ImportFailure> {
  return err({ kind: 'refused', lines: [line] })
}
