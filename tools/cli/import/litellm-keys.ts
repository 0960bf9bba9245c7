/**
 * Reads keys of LiteLLM, as `/key/list?return_full_object=true` gives them, and its teams, as `/team/list` does. LiteLLM
 * stores the SHA-256 of a key, and so does a mesh: clients go on with the keys they have. A key that something limits which the
 * mesh does not know of is left out: without its limit it would open more than before.
 */
import { isObject } from '../../../shared/is-object.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { freeName, isSet, shown, slugOf, type Finding, type TenantDraft } from './draft.ts'

type Table = Readonly<Record<string, unknown>>

export interface KeyOptions {
  /** The tenant of keys that belong to no team. */
  readonly tenant: string
  /** Models that are imported. */
  readonly models: readonly string[]
  readonly nowMs: number
  /** Imports keys without limits that they had. */
  readonly acceptWidening: boolean
}

/** Members that only say what a key is called, whose it is, and what happened with it. */
const TELLING = [
  'token',
  'token_id',
  'key',
  'key_name',
  'key_alias',
  'team_id',
  'team_alias',
  'team',
  'models',
  'spend',
  'model_spend',
  'expires',
  'blocked',
  'created_at',
  'updated_at',
  'created_by',
  'updated_by',
  'created_by_user',
  'last_active',
  'last_used_at',
  'user_id',
  'user',
  'soft_budget',
  'soft_budget_cooldown',
  'rotation_count',
  'auto_rotate',
  'last_rotation_at',
  'rotation_interval',
  'key_rotation_at',
  'budget_reset_at',
  'budget_duration',
  'metadata',
  'organization',
  'key_type',
]
/** Of the metadata, which are anybody's: what LiteLLM itself reads as a limit. */
const LIMITS_IN_METADATA = /limit|guardrail|polic|budget|allowed|enforced|^tags$|^disable|^service_account/i
const TEAM_TELLING = [
  'team_id',
  'team_alias',
  'models',
  'spend',
  'blocked',
  'created_at',
  'updated_at',
  'admins',
  'members',
  'metadata',
  'members_with_roles',
  'organization_id',
  'budget_reset_at',
  'budget_duration',
  'keys',
  'model_spend',
  'model_id',
  'team_memberships',
  'soft_budget',
  'members_count',
  'keys_count',
]

/** Fails with a sentence where a text is not such a list. */
export function readLitellmKeys(
  source: { readonly keys: unknown; readonly teams?: unknown },
  options: KeyOptions,
): Result<{ readonly tenants: readonly TenantDraft[]; readonly findings: readonly Finding[] }, string> {
  const keys = listOf(source.keys, 'keys')
  if (keys === undefined) return err('the file of keys is no list such as /key/list gives')
  const teams = listOf(source.teams ?? [], 'teams')
  if (teams === undefined) return err('the file of teams is no list such as /team/list gives')
  const teamById = new Map(teams.filter(isObject).map((team) => [String(team['team_id']), team]))
  const findings: Finding[] = []
  const groups = new Map<
    string,
    { base: string; models: '*' | readonly string[]; keys: Map<string, string> }
  >()
  const seen = new Set<string>()
  for (const [index, entry] of keys.entries()) {
    const alias = isObject(entry) && typeof entry['key_alias'] === 'string' ? entry['key_alias'] : ''
    const where = shown(`keys[${index}]${alias === '' ? '' : ` (${alias})`}`)
    const read = readKey(entry, teamById, options)
    if (!read.ok) {
      findings.push({ where, kind: 'left_out', reason: read.error })
      continue
    }
    const { sha256, team, models, dropped } = read.value
    if (seen.has(sha256)) continue
    seen.add(sha256)
    if (dropped.length > 0) {
      findings.push({
        where,
        kind: 'lost',
        reason: `you accepted that it is wider without ${shown(dropped.join(', '))}`,
      })
    }
    const base =
      team === undefined ? options.tenant : (slugOf(String(team['team_alias'] ?? team['team_id'])) ?? 'team')
    const group = JSON.stringify([team?.['team_id'] ?? null, models])
    const tenant = groups.get(group) ?? { base, models, keys: new Map<string, string>() }
    groups.set(group, tenant)
    const id = freeName(slugOf(alias) ?? `key-${sha256.slice(0, 8)}`, new Set(tenant.keys.keys()))
    tenant.keys.set(id, sha256)
  }
  return ok({ tenants: named([...groups.values()]), findings })
}

interface ReadKey {
  readonly sha256: string
  readonly team?: Table
  readonly models: '*' | readonly string[]
  /** Limits that it loses. */
  readonly dropped: readonly string[]
}

function readKey(
  entry: unknown,
  teams: ReadonlyMap<string, Table>,
  { models, nowMs, acceptWidening }: KeyOptions,
): Result<ReadKey, string> {
  const key: Table = typeof entry === 'string' ? { token: entry } : isObject(entry) ? entry : {}
  const { token } = key
  if (typeof token !== 'string' || !/^[0-9a-f]{64}$/.test(token)) return err('its token is no SHA-256')
  if (typeof entry === 'string')
    return err('nothing is said of its limits: ask for the list with return_full_object=true')
  if (key['blocked'] === true) return err('it is blocked')
  const expires = key['expires']
  if (isSet(expires) && !(Date.parse(String(expires)) > nowMs)) return err('it has expired')
  const teamId = key['team_id']
  const team = isSet(teamId) ? teams.get(String(teamId)) : undefined
  if (isSet(teamId) && team === undefined)
    return err('its team is not known: give the list of teams with --teams')
  if (team?.['blocked'] === true) return err('its team is blocked')
  const limits = [
    ...limitsOf(key, TELLING),
    ...(isSet(expires) ? ['expires'] : []),
    ...(team === undefined ? [] : limitsOf(team, TEAM_TELLING).map((limit) => `${limit} of its team`)),
    ...(isPersonal(key) ? ['limits of its user'] : []),
  ]
  if (limits.length > 0 && !acceptWidening) {
    return err(`the mesh would not hold it to ${shown(limits.join(', '))}`)
  }
  const allowed = intersect(
    modelsOf(key['models'], team),
    team === undefined ? '*' : modelsOf(team['models'], team),
  )
  const imported = allowed === '*' ? allowed : models.filter((model) => allowed.includes(model))
  if (imported.length === 0) return err('none of its models is imported')
  return ok({ sha256: token, models: imported, dropped: limits, ...(team === undefined ? {} : { team }) })
}

/** A user's own limits count for keys of no team. LiteLLM calls its administrator default_user_id. */
function isPersonal(key: Table): boolean {
  return !isSet(key['team_id']) && isSet(key['user_id']) && key['user_id'] !== 'default_user_id'
}

function limitsOf(settings: Table, telling: readonly string[]): string[] {
  const metadata = isObject(settings['metadata']) ? settings['metadata'] : {}
  return [
    ...Object.keys(settings).filter(
      (name) => isSet(settings[name]) && !telling.includes(name) && !opensWhatAllOpen(name, settings[name]),
    ),
    ...Object.keys(metadata).filter((name) => isSet(metadata[name]) && LIMITS_IN_METADATA.test(name)),
  ]
}

/** All that a key of a mesh opens: calls of models. */
function opensWhatAllOpen(name: string, value: unknown): boolean {
  return (
    name === 'allowed_routes' && Array.isArray(value) && value.every((route) => route === 'llm_api_routes')
  )
}

/** No list is every model. Names of groups of models are none of a model, and narrow. */
function modelsOf(list: unknown, team: Table | undefined): '*' | readonly string[] {
  if (!Array.isArray(list) || list.length === 0) return '*'
  const everything = ['*', 'all-proxy-models', ...(team === undefined ? [] : ['all-team-models'])]
  if (list.some((name) => everything.includes(String(name)))) return '*'
  return list.map(String)
}

function intersect(one: '*' | readonly string[], other: '*' | readonly string[]): '*' | readonly string[] {
  if (one === '*') return other
  return other === '*' ? one : one.filter((name) => other.includes(name))
}

function named(
  groups: readonly { base: string; models: '*' | readonly string[]; keys: ReadonlyMap<string, string> }[],
): TenantDraft[] {
  const taken = new Set<string>()
  return groups.map(({ base, models, keys }) => {
    const id = freeName(base, taken)
    taken.add(id)
    return { id, models, keys: [...keys].map(([key, sha256]) => ({ id: key, sha256 })) }
  })
}

function listOf(value: unknown, name: string): readonly unknown[] | undefined {
  const list = isObject(value) ? value[name] : value
  return Array.isArray(list) ? list : undefined
}
