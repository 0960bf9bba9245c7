/** /admin/v1/config: the config that is in force, what another one would change, and changing it where it is stored. */
import { Hono, type Context } from 'hono'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import {
  diffConfigSchema,
  putConfigSchema,
  rollbackConfigSchema,
  validateConfigSchema,
  versionName,
} from '../../shared/schema/admin-config.ts'
import { recordAdminAct } from '../access/record-admin-act.ts'
import type { AppVariables } from '../app-variables.ts'
import { checkConfig, diffOf, mistakesOf, readConfig, unaccepted, type Refused } from '../config-change.ts'
import { failed, failedWith } from '../error-response.ts'
import type { ConfigAct, ConfigEntry } from '../objects/config-store-rpc.ts'
import { readAdminBody } from './read-admin-body.ts'

/** A config and its cases, written as JSON. */
const MAX_CONFIG_BODY_BYTES = 2 * 1024 * 1024

type AdminContext<Path extends string = string> = Context<AppVariables, Path>

export function adminConfigRoutes(): Hono<AppVariables> {
  const routes = new Hono<AppVariables>()

  /** The config this isolate acts under, without hashes of keys or names of secrets. */
  routes.get('/', async (context) => {
    const { mesh, deployed, configExpiresAtMs } = context.get('edge')
    const { config, configVersion, mode } = mesh
    return context.json({
      version: await configVersion(),
      mode: mode.kind,
      ...(await originOf(context)),
      regions: config.regions.map(({ id, jurisdiction }) => ({ id, jurisdiction })),
      pools: config.pools.map(({ id, region, dialect }) => ({ id, region, dialect })),
      models: config.models.map(({ id }) => id),
      tenants: config.tenants.map(({ id }) => id),
      source: deployed.config.config.source,
      // Without a lease nobody is served, and what is shown here is what was deployed.
      confirmed: configExpiresAtMs > 0,
    })
  })

  routes.post('/validate', async (context) => {
    const body = await readAdminBody(context, validateConfigSchema, MAX_CONFIG_BODY_BYTES)
    if (!body.ok) return failed(body.error)
    const { config: text, cases } = body.value
    const current = await currentText(context)
    if (!current.ok) return failed(current.error)
    const checked = await checkConfig(
      { text, ...(cases === undefined ? {} : { cases }) },
      context.get('edge').deployed,
      current.value.text,
    )
    if (!checked.ok) return refusal(checked.error)
    const { version, diff } = checked.value
    return context.json({ version, current: current.value.version, diff })
  })

  routes.put('/', async (context) => {
    const body = await readAdminBody(context, putConfigSchema, MAX_CONFIG_BODY_BYTES)
    if (!body.ok) return failed(body.error)
    const { config: text, cases, ...more } = body.value
    return change(context, { text, act: 'put', ...more, ...(cases === undefined ? {} : { cases }) })
  })

  routes.post('/rollback', async (context) => {
    const body = await readAdminBody(context, rollbackConfigSchema, MAX_CONFIG_BODY_BYTES)
    if (!body.ok) return failed(body.error)
    const { deployed, stubs } = context.get('edge')
    if (!isStored(context)) return failed({ reason: 'config_not_stored' })
    const { version, ...more } = body.value
    const old = await stubs.configStore().version(version)
    if (old === undefined) return failed({ reason: 'config_version_not_found' })
    const mistakes = mistakesOf(old.text, deployed)
    if (mistakes.length > 0) return failedWith({ reason: 'config_version_not_usable' }, { mistakes })
    return change(context, { text: old.text, act: 'rollback', ...more })
  })

  routes.post('/diff', async (context) => {
    const body = await readAdminBody(context, diffConfigSchema, MAX_CONFIG_BODY_BYTES)
    if (!body.ok) return failed(body.error)
    const { deployed } = context.get('edge')
    const [before, after] = await Promise.all([
      body.value.against === undefined ? currentText(context) : textOf(context, body.value.against),
      body.value.version === undefined
        ? ok({ text: body.value.config ?? '', version: undefined })
        : textOf(context, body.value.version),
    ])
    if (!before.ok) return failed(before.error)
    if (!after.ok) return failed(after.error)
    const config = readConfig(after.value.text, deployed)
    if (!config.ok) {
      return failedWith(
        { reason: 'invalid_config', mistakes: config.error.length },
        { mistakes: config.error },
      )
    }
    return context.json({
      against: before.value.version,
      diff: diffOf(before.value.text, config.value, deployed),
    })
  })

  routes.get('/history', async (context) => {
    if (!isStored(context)) return failed({ reason: 'config_not_stored' })
    const before = context.req.query('before')
    if (before !== undefined && !/^[1-9][0-9]{0,9}$/.test(before)) {
      return failed({ reason: 'invalid_parameter', param: 'before', expected: 'the number of an entry' })
    }
    const store = context.get('edge').stubs.configStore()
    const entries = await store.history(before === undefined ? undefined : Number(before))
    return context.json({ ...(await originOf(context)), entries: entries.map(entryView) })
  })

  routes.get('/versions/:version', async (context) => {
    if (!isStored(context)) return failed({ reason: 'config_not_stored' })
    const version = versionName.safeParse(context.req.param('version'))
    const found = version.success
      ? await context.get('edge').stubs.configStore().version(version.data)
      : undefined
    if (found === undefined) return failed({ reason: 'config_version_not_found' })
    const { text, ...entry } = found
    return context.json({ ...entryView(entry), config: text })
  })
  return routes
}

interface WantedChange {
  readonly text: string
  readonly cases?: string
  readonly act: Exclude<ConfigAct, 'seed'>
  readonly expected?: string | undefined
  readonly note: string
  readonly accept_widening: boolean
  readonly accept_orphans: boolean
}

async function change(context: AdminContext, wanted: WantedChange): Promise<Response> {
  if (!isStored(context)) return failed({ reason: 'config_not_stored' })
  const expected = expectedOf(context, wanted.expected)
  if (!expected.ok) return failed(expected.error)
  const { deployed, stubs } = context.get('edge')
  const current = await stubs.configStore().current()
  const checked = await checkConfig(wanted, deployed, current.text)
  if (!checked.ok) return refusal(checked.error)
  const { version, diff } = checked.value
  // What is there already is no change: whoever asks again because an answer was lost learns that it was done.
  if (version !== current.version) {
    if (expected.value !== current.version) {
      return failed({ reason: 'config_conflict', current: current.version })
    }
    const unwanted = unaccepted(diff, wanted)
    if (unwanted !== undefined) return refusal(unwanted)
  }
  const { text, act, note } = wanted
  const made = await stubs
    .configStore()
    .change({ expected: expected.value, version, text, act, note, who: context.get('principal').who })
  if (made.kind === 'conflict') return failed({ reason: 'config_conflict', current: made.current })
  if (made.kind === 'unknown') return failed({ reason: 'config_version_not_found' })
  if (made.kind === 'changed') {
    recordAdminAct(context, { act: `config_${act}`, from: current.version, to: version })
  }
  const isChanged = made.kind === 'changed'
  return context.json({ ...entryView(made.entry), changed: isChanged, replaced: current.version, diff })
}

/** In the body or in If-Match, where a version stands in quotes; what both say has to be the same. */
function expectedOf(context: AdminContext, inBody: string | undefined): Result<string, GatewayError> {
  const header = context.req.header('if-match')
  const inHeader = header === undefined ? undefined : /^"?(cfg_[0-9a-f]{12})"?$/.exec(header)?.[1]
  if (header !== undefined && inHeader === undefined) {
    return err({ reason: 'invalid_header', header: 'if-match', expected: 'the name of a version' })
  }
  const expected = inBody ?? inHeader
  if (expected === undefined) return err({ reason: 'missing_parameter', param: 'expected' })
  if (inHeader !== undefined && inHeader !== expected) {
    return err({ reason: 'invalid_header', header: 'if-match', expected: 'the same as expected in the body' })
  }
  return ok(expected)
}

function isStored(context: AdminContext): boolean {
  return context.get('edge').deployed.config.config.source === 'store'
}

/** What is in force, for comparing: not for acting on. */
async function currentText(
  context: AdminContext,
): Promise<Result<{ text: string; version: string }, GatewayError>> {
  const { deployed, stubs } = context.get('edge')
  if (isStored(context)) return ok(await stubs.configStore().current())
  return ok({ text: deployed.configText, version: await deployed.configVersion() })
}

async function textOf(
  context: AdminContext,
  version: string,
): Promise<Result<{ text: string; version: string }, GatewayError>> {
  if (!isStored(context)) return err({ reason: 'config_not_stored' })
  const found = await context.get('edge').stubs.configStore().version(version)
  return found === undefined ? err({ reason: 'config_version_not_found' }) : ok(found)
}

/** Where the config comes from, and whether what was deployed last is something else than what is in force. */
async function originOf(context: AdminContext) {
  const { deployed, mesh } = context.get('edge')
  if (!isStored(context)) return {}
  const [bundled, current] = await Promise.all([deployed.configVersion(), mesh.configVersion()])
  return { deployed: bundled, drift: bundled !== current }
}

function entryView({ number, version, atMs, act, who, note }: ConfigEntry) {
  return { number, version, at: new Date(atMs).toISOString(), act, who, note }
}

function refusal({ error, more = {} }: Refused): Response {
  return failedWith(error, more)
}
