/** What wrangler.toml says the Worker is given; on one's own machines the same has to be given by workerd. */
import { TomlError, parse as parseToml } from 'smol-toml'
import { z } from 'zod'
import { err, ok, type Result } from '../../shared/result.ts'

/** What concerns Cloudflare alone, or says how the bundle is built, which it already is. */
const IRRELEVANT = [
  'name',
  'main',
  'account_id',
  'workers_dev',
  'preview_urls',
  'route',
  'routes',
  'rules',
  'env',
  'observability',
  'placement',
  'limits',
  'logpush',
  'minify',
  'no_bundle',
  'upload_source_maps',
  'secrets',
]

const factsSchema = z.strictObject({
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.string()).default({}),
  kv_namespaces: z.array(z.object({ binding: z.string() })).default([]),
  durable_objects: z.object({
    bindings: z.array(z.strictObject({ name: z.string(), class_name: z.string() })),
  }),
  /** Renames and deletions would have to be done to the files on disk: they are not accepted. */
  migrations: z.array(z.strictObject({ tag: z.string(), new_sqlite_classes: z.array(z.string()) })),
})

export interface WranglerFacts {
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  readonly vars: Readonly<Record<string, string>>
  /** Names of the bindings. */
  readonly kvNamespaces: readonly string[]
  readonly objects: readonly { readonly binding: string; readonly className: string }[]
}

/** The error is a sentence: a binding that workerd has no equal of is refused, not left out. */
export function parseWranglerFacts(toml: string): Result<WranglerFacts, string> {
  let root: Record<string, unknown>
  try {
    root = parseToml(toml)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    return err(`wrangler.toml, line ${error.line}: the text cannot be read as TOML.`)
  }
  const relevant = Object.fromEntries(Object.entries(root).filter(([key]) => !IRRELEVANT.includes(key)))
  const parsed = factsSchema.safeParse(relevant)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys : []
    const where = [...(issue?.path ?? []), ...keys].join('.')
    return err(
      `wrangler.toml: serve cannot give the Worker what ${where === '' ? 'it says' : where} asks for.`,
    )
  }
  const { durable_objects: objects, migrations, kv_namespaces: namespaces, ...facts } = parsed.data
  const withSqlite = migrations.flatMap((migration) => migration.new_sqlite_classes)
  const without = objects.bindings.find((binding) => !withSqlite.includes(binding.class_name))
  if (without !== undefined) {
    return err(`wrangler.toml: no migration makes ${without.class_name} a class with SQLite.`)
  }
  return ok({
    compatibilityDate: facts.compatibility_date,
    compatibilityFlags: facts.compatibility_flags,
    vars: facts.vars,
    kvNamespaces: namespaces.map(({ binding }) => binding),
    objects: objects.bindings.map(({ name, class_name: className }) => ({ binding: name, className })),
  })
}
