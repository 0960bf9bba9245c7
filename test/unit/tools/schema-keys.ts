/** Lists the keys of mesh.schema.json, as its readers see them. */
import { z } from 'zod'

export interface SchemaKey {
  /** Without positions: `pools.models.version`. */
  readonly path: string
  readonly description: string
  readonly isRequired: boolean
  /** JSON text; undefined where there is none, or where it is a table whose keys have their own. */
  readonly defaultText: string | undefined
}

interface Node {
  readonly type?: string | undefined
  readonly description?: string | undefined
  readonly default?: unknown
  readonly required?: readonly string[] | undefined
  readonly properties?: Readonly<Record<string, Node>> | undefined
  readonly items?: Node | undefined
  readonly anyOf?: readonly Node[] | undefined
}

const node: z.ZodType<Node> = z.object({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), node).optional()
  },
  get items() {
    return node.optional()
  },
  get anyOf() {
    return z.array(node).optional()
  },
})

export function keysOf(schemaText: string): SchemaKey[] {
  return keysIn(node.parse(JSON.parse(schemaText)), '')
}

function keysIn(at: Node, prefix: string): SchemaKey[] {
  const members = Object.entries(at.properties ?? {}).flatMap(([key, member]) => [
    {
      path: `${prefix}${key}`,
      description: member.description ?? '',
      isRequired: at.required?.includes(key) ?? false,
      defaultText:
        member.default === undefined || member.type === 'object' ? undefined : JSON.stringify(member.default),
    },
    ...keysIn(member, `${prefix}${key}.`),
  ])
  const inner = [...(at.anyOf ?? []), ...(at.items === undefined ? [] : [at.items])]
  return [...members, ...inner.flatMap((form) => keysIn(form, prefix))]
}
