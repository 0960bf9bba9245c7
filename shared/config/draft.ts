/**
 * A config on its way through the checks: every list member that has the right shape, with its place. One
 * misshapen pool must not hide the mistakes in the others, nor make references to it look dangling.
 */
import type { z } from 'zod'
import { modelSchema, poolSchema, regionSchema } from '../schema/config-pools.ts'
import { ruleSchema, tenantSchema } from '../schema/config-tenants.ts'
import type { MeshConfig, Model, Pool, Region, Rule, Tenant } from '../schema/mesh.ts'
import { formatPath, valueAt } from './path.ts'

/** One member of a list and its place, e.g. `pools[1] ("us-east")`. */
export interface Entry<T> {
  readonly value: T
  readonly path: string
}

export interface Section<T> {
  readonly entries: readonly Entry<T>[]
  /** Ids of all members, misshapen ones too, each once. */
  readonly ids: readonly string[]
  /** Whether there are members and each has a proper id; without that, no reference can be called dangling. */
  readonly hasEveryId: boolean
  /** Whether there are members and each has the right shape; without that, nothing can be said to be nowhere. */
  readonly isComplete: boolean
}

export interface Draft {
  readonly regions: Section<Region>
  readonly pools: Section<Pool>
  readonly models: Section<Model>
  readonly tenants: Section<Tenant>
  readonly rules: Section<Rule>
  /** Only where the whole config has the right shape. */
  readonly config?: MeshConfig
}

/**
 * Collects what can be checked.
 * @param root the whole config, as it was read
 * @param config the same after the schema, if it passed
 */
export function draftOf(root: unknown, config: MeshConfig | undefined): Draft {
  return {
    regions: sectionOf(root, 'regions', regionSchema),
    pools: sectionOf(root, 'pools', poolSchema),
    models: sectionOf(root, 'models', modelSchema),
    tenants: sectionOf(root, 'tenants', tenantSchema),
    rules: sectionOf(root, 'rules', ruleSchema),
    ...(config === undefined ? {} : { config }),
  }
}

function sectionOf<T>(root: unknown, name: keyof MeshConfig, schema: z.ZodType<T>): Section<T> {
  const list = valueAt(root, [name])
  if (!Array.isArray(list)) return { entries: [], ids: [], hasEveryId: false, isComplete: false }

  const entries: Entry<T>[] = []
  const ids: string[] = []
  for (const [index, member] of list.entries()) {
    const reading = readMember(schema, member)
    if (reading.id !== undefined) ids.push(reading.id)
    if (reading.value !== undefined)
      entries.push({ value: reading.value, path: formatPath(root, [name, index]) })
  }
  return {
    entries,
    ids: [...new Set(ids)],
    hasEveryId: list.length > 0 && ids.length === list.length,
    isComplete: list.length > 0 && entries.length === list.length,
  }
}

interface Reading<T> {
  /** The member's id, if that is of the right shape. */
  readonly id?: string
  /** The member, if all of it is. */
  readonly value?: T
}

/** Reads one member. A key too many is reported by the shape's check and does not keep the rest from being read. */
function readMember<T>(schema: z.ZodType<T>, member: unknown): Reading<T> {
  const parsed = schema.safeParse(withoutUnknownKeys(schema, member))
  const issues = parsed.success ? [] : parsed.error.issues
  const id = valueAt(member, ['id'])
  const isProperId = typeof id === 'string' && !issues.some((issue) => issue.path[0] === 'id')
  return { ...(isProperId ? { id } : {}), ...(parsed.success ? { value: parsed.data } : {}) }
}

function withoutUnknownKeys(schema: z.ZodType, member: unknown): unknown {
  if (!isTable(member)) return member
  const issues = schema.safeParse(member).error?.issues ?? []
  const unknown = new Set(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
    ),
  )
  return Object.fromEntries(Object.entries(member).filter(([key]) => !unknown.has(key)))
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
