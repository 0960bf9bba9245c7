/**
 * What this isolate may give out of its tenants' limits, and what it has to tell their ledgers. While a slice lasts no request
 * waits for anything; the next one is asked for behind a request. What was used is told behind requests, too, once a second,
 * and again until it is acknowledged.
 */
import { timesAmounts, type Amounts } from '../../shared/ledger/amounts.ts'
import type { News } from '../../shared/ledger/batch.ts'
import type { Levels, Refusal } from '../../shared/ledger/draw.ts'
import {
  EMPTY_POCKET,
  expire,
  isRefillDue,
  leftIn,
  nextExpiryMs,
  settle,
  take,
  withSlice,
  type Pocket,
  type Reservation,
} from '../../shared/ledger/pocket.ts'
import type { Terms } from '../../shared/ledger/terms.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../mesh.ts'
import type { DrawAnswer, DrawRequest } from '../objects/ledger-rpc.ts'
import type { Stubs } from '../objects/stubs.ts'
import type { Runtime } from '../runtime.ts'
import type { TenantKeyring } from '../tenant-keys.ts'
import { within } from '../within.ts'
import { createLedgerDesks, type WaitUntil } from './ledger-desk.ts'

/** What a request has of one account. */
export interface Held {
  readonly account: Account
  readonly reservation: Reservation
}

export interface Account {
  readonly tenant: Tenant
  /** The tenant's own, or a key's id. */
  readonly scope: string
  readonly terms: Terms
}

/** Why there is no reservation: the ledger said so, or nobody can say. */
export type NotHeld = Refusal | { readonly limit: 'unavailable' }

/** What is left of a minute, as far as is known here. */
export type Remaining = Levels

export interface Accounts {
  /** Sets aside what a request may need. */
  hold(account: Account, need: Amounts, waitUntil: WaitUntil): Promise<Result<Held, NotHeld>>
  /** Gives back what was set aside, less what was used. */
  release(held: Held, used: Amounts): void
  /** Takes what the tenant's ledger has to hear. */
  tell(tenant: Tenant, news: Partial<News>): void
  /** Sees to it that the ledger hears it, behind the request. */
  flush(tenant: Tenant, waitUntil: WaitUntil): void
  remaining(account: Account): Remaining
  /** What 95 of 100 answers of a model without a limit stayed within; undefined where that is not known. */
  usualOutput(tenant: string, model: string): number | undefined
}

interface Drawer {
  pocket: Pocket
  /** When it was last asked for a slice. */
  askedAtMs: number
  /** Requests since then: the next slice is to last for twice as many. */
  requests: number
  /** What was last granted; with `last_lease` it is granted again while the ledger is down. */
  lastGranted: Amounts | undefined
  refused: { readonly refusal: Refusal; readonly need: Amounts; readonly untilMs: number } | undefined
  levels: Levels
}

/** A ledger that has not answered by then is taken for lost. */
const ASK_WITHIN_MS = 3000
/** What is asked for lasts for so many requests like the one that asks, at least, and so many at most. */
const MIN_REQUESTS = 4
const MAX_REQUESTS = 4096
/** One slice in the background at a time. */
const REFILL_PAUSE_MS = 500
/** After a refusal the ledger is not asked again by each request that comes; short, because another may give something back. */
const REFUSED_FOR_MS = 250

export function createAccounts(mesh: Mesh, stubs: Stubs, runtime: Runtime, keys: TenantKeyring): Accounts {
  const drawers = new Map<string, Drawer>()
  const desks = createLedgerDesks(ledgerOf, runtime, { giveBack, nextExpiryMs: nextExpiryOf })
  const tell = (tenant: Tenant, news: Partial<News>): void => desks.tell(tenant, news)
  const outputs = new Map<string, Readonly<Record<string, number>>>()

  function drawerOf({ tenant, scope }: Pick<Account, 'tenant' | 'scope'>): Drawer {
    const name = `${tenant.id}\n${scope}`
    const known = drawers.get(name)
    if (known !== undefined) return known
    const drawer: Drawer = {
      pocket: EMPTY_POCKET,
      askedAtMs: -Infinity,
      requests: 0,
      lastGranted: undefined,
      refused: undefined,
      levels: {},
    }
    drawers.set(name, drawer)
    return drawer
  }

  async function ledgerOf(tenant: Tenant) {
    const home = tenantHome(tenant, mesh.config, mesh.mode)
    if (home === undefined) return undefined
    const { objectName } = await keys.of(tenant.id)
    return stubs.tenantLedger(home, objectName)
  }

  function giveBackExpired(tenant: Tenant, drawer: Drawer): void {
    const [pocket, releases] = expire(drawer.pocket, runtime.now())
    drawer.pocket = pocket
    if (releases.length > 0) tell(tenant, { releases })
  }

  function taken(account: Account, drawer: Drawer, need: Amounts): Held | undefined {
    const both = take(drawer.pocket, need, runtime.now())
    if (both === undefined) return undefined
    const [pocket, reservation] = both
    drawer.pocket = pocket
    drawer.requests += 1
    return { account, reservation }
  }

  /** Asks for a slice, a second time where the first call broke: an object that has just restarted answers. */
  async function ask(tenant: Tenant, request: DrawRequest): Promise<DrawAnswer | undefined> {
    for (const isLast of [false, true]) {
      try {
        const ledger = await ledgerOf(tenant)
        const asked: Promise<DrawAnswer> | undefined = ledger?.draw(request)
        return asked && (await within(asked, ASK_WITHIN_MS))
      } catch {
        // Overloaded, restarted, unreachable or not permitted here: all the same to this request.
        if (isLast) return undefined
      }
    }
    return undefined
  }

  /** Undefined where nobody answered. A request that waits for it has its part before any other can take it. */
  async function draw(
    account: Account,
    drawer: Drawer,
    { need, isForRequest }: { readonly need: Amounts; readonly isForRequest: boolean },
  ): Promise<Result<Held | undefined, Refusal> | undefined> {
    const { tenant, scope, terms } = account
    const askedAtMs = runtime.now()
    const lasting = Math.min(MAX_REQUESTS, Math.max(MIN_REQUESTS, 2 * drawer.requests))
    drawer.askedAtMs = askedAtMs
    drawer.requests = 0
    const id = runtime.randomHex(12)
    const answer = await ask(tenant, { id, scope, terms, need, want: timesAmounts(need, lasting) })
    if (answer === undefined) {
      // It may have been granted all the same: then it is to be taken back.
      tell(tenant, { voids: [id] })
      return undefined
    }
    drawer.levels = answer.levels
    if (answer.kind === 'refused') return err(answer.refusal)
    const { granted } = answer
    drawer.pocket = withSlice(drawer.pocket, { id, granted, need, askedAtMs })
    drawer.lastGranted = granted
    drawer.refused = undefined
    outputs.set(tenant.id, answer.usualOutputs)
    return ok(isForRequest ? taken(account, drawer, need) : undefined)
  }

  /** Under the last lease: as much again as was last granted, of which the ledger hears when it is back. */
  function again(account: Account, drawer: Drawer, need: Amounts): Held | undefined {
    const { lastGranted: granted, pocket } = drawer
    const askedAtMs = runtime.now()
    if (granted === undefined || account.tenant.ledger_down !== 'last_lease') return undefined
    if (pocket.some(({ id, expiresAtMs }) => id.startsWith(OWN) && askedAtMs < expiresAtMs)) return undefined
    drawer.pocket = withSlice(pocket, { id: `${OWN}${runtime.randomHex(12)}`, granted, need, askedAtMs })
    return taken(account, drawer, need)
  }

  function refill(account: Account, drawer: Drawer, need: Amounts, waitUntil: WaitUntil): void {
    const nowMs = runtime.now()
    if (nowMs - drawer.askedAtMs < REFILL_PAUSE_MS || !isRefillDue(drawer.pocket, nowMs)) return
    waitUntil(draw(account, drawer, { need, isForRequest: false }))
  }

  function giveBack(tenant: Tenant): void {
    for (const drawer of drawersOf(tenant)) giveBackExpired(tenant, drawer)
  }

  function nextExpiryOf(tenant: Tenant): number | undefined {
    const times = drawersOf(tenant).flatMap(({ pocket }) => nextExpiryMs(pocket) ?? [])
    return times.length === 0 ? undefined : Math.min(...times)
  }

  function drawersOf({ id }: Tenant): Drawer[] {
    return [...drawers].filter(([name]) => name.startsWith(`${id}\n`)).map(([, drawer]) => drawer)
  }

  return {
    async hold(account, need, waitUntil) {
      const { tenant } = account
      const drawer = drawerOf(account)
      giveBackExpired(tenant, drawer)
      const held = taken(account, drawer, need)
      if (held !== undefined) {
        refill(account, drawer, need, waitUntil)
        return ok(held)
      }
      const { refused } = drawer
      const isRefused =
        refused !== undefined && runtime.now() < refused.untilMs && need.tokens >= refused.need.tokens
      if (isRefused) return err(refused.refusal)
      const drawn = await draw(account, drawer, { need, isForRequest: true })
      if (drawn?.ok === false) {
        const refusal = drawn.error
        const untilMs = runtime.now() + Math.min(REFUSED_FOR_MS, refusal.waitMs)
        drawer.refused = { refusal, need, untilMs }
        return err(refusal)
      }
      // An answer that took longer than a lease lasts is no answer.
      const after = drawn?.value ?? again(account, drawer, need)
      return after === undefined ? err({ limit: 'unavailable' }) : ok(after)
    },

    release({ account, reservation }, used) {
      const drawer = drawerOf(account)
      const [pocket, release] = settle(drawer.pocket, reservation, used, runtime.now())
      drawer.pocket = pocket
      drawer.refused = undefined
      if (release !== undefined) tell(account.tenant, { releases: [release] })
    },

    tell,

    flush: (tenant, waitUntil) => desks.flush(tenant, waitUntil),

    remaining(account) {
      const { levels, pocket } = drawerOf(account)
      const left = leftIn(pocket, runtime.now())
      return {
        ...(levels.requests === undefined ? {} : { requests: levels.requests + left.requests }),
        ...(levels.tokens === undefined ? {} : { tokens: levels.tokens + left.tokens }),
      }
    },

    usualOutput: (tenant, model) => outputs.get(tenant)?.[model],
  }
}

/** Slices that the isolate has granted to itself: the ledger does not know them. */
const OWN = 'own '
