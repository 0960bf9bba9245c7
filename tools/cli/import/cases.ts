/** Writes down where requests of an imported config may go, as cases: a later change that lets them go elsewhere then fails. */
import { stringify } from 'smol-toml'
import { explainPlacement } from '../../../shared/residency/explain.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'

/** The text of a mesh.test.toml: one case for each tenant and model that it may use. */
export function casesFor(config: MeshConfig): string {
  const cases = config.tenants.flatMap((tenant) =>
    config.models
      .filter(({ id }) => tenant.models === '*' || tenant.models.includes(id))
      .map(({ id: model }) => ({
        name: `${tenant.id} asks for ${model}, and nothing is known of where from`,
        tenant: tenant.id,
        model,
        expect: expected(tenant.id, model, config),
      })),
  )
  return `# Made by \`mesh import\`: \`mesh config test\` tries these cases. docs/residency.md describes every key.\n${stringify({ cases })}`
}

function expected(tenant: string, model: string, config: MeshConfig): object {
  // What storage may be enforced hangs on the mode, which is not this file's matter: dev enforces everything.
  const explained = explainPlacement({ tenant, model, headers: {} }, { config, mode: { kind: 'dev' } })
  if (!explained.ok) throw new Error('a tenant and a model of the config itself are in it')
  const { refused, pools } = explained.value
  if (refused !== null) return { refused }
  return { pools: pools.filter(({ allowed }) => allowed).map(({ id }) => id) }
}
