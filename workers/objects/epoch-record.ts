/**
 * A ledger's record of its tenant's epoch and key: read when the ledger starts, written over by a purge. Being one record,
 * an epoch and its key are there together or not at all.
 */
import { z } from 'zod'
import type { EpochGrant } from '../../shared/lease/lease.ts'
import type { Vault } from '../vault/vault.ts'

export interface EpochRecord {
  /**
   * What is stored, or what a new ledger begins with. A key that no live secret opens any more is lost: then the epoch is
   * raised, so that what is stored from now on can be read again.
   */
  open(nowMs: number): Promise<EpochGrant>
  /** A key for an epoch of this ledger. */
  newKey(epoch: number): Promise<string>
  /** Replaces epoch and key: the older key is gone with it. */
  write(grant: EpochGrant): void
}

const RECORD_KEY = 'epoch:v2'
/** The epoch alone, of ledgers from before there were keys. */
const OLDER_RECORD_KEY = 'epoch:v1'

const recordSchema = z.object({ epoch: z.int(), wrappedKey: z.string() })

export interface EpochRecordOptions {
  readonly storage: DurableObjectStorage
  readonly vault: Vault
  /** The ledger's own: a key is good for this one alone, wherever else it is put. */
  readonly name: string
  /** Called when the stored key could not be opened. */
  readonly onLostKey: () => void
}

export function createEpochRecord({ storage, vault, name, onLostKey }: EpochRecordOptions): EpochRecord {
  const { kv } = storage

  function contextOf(epoch: number): string {
    return `warmpath/epoch-key/v1\n${name}\n${epoch}`
  }

  function newKey(epoch: number): Promise<string> {
    return vault.newWrappedKey(contextOf(epoch))
  }

  function write({ epoch, wrappedKey }: EpochGrant): void {
    kv.put(RECORD_KEY, { epoch, wrappedKey })
    kv.delete(OLDER_RECORD_KEY)
  }

  async function begin(epoch: number): Promise<EpochGrant> {
    const grant = { epoch, wrappedKey: await newKey(epoch) }
    write(grant)
    return grant
  }

  return {
    async open(nowMs) {
      const stored = recordSchema.safeParse(kv.get(RECORD_KEY)).data
      // A ledger that is new, because the old one was lost or the tenant's home moved, must not begin with an epoch that
      // was purged: the time is later than any epoch that was counted up from an earlier time.
      if (stored === undefined) return begin(z.int().safeParse(kv.get(OLDER_RECORD_KEY)).data ?? nowMs)
      const { epoch } = stored
      const wrappedKey = await vault.renew(stored.wrappedKey, contextOf(epoch))
      if (wrappedKey === undefined) {
        onLostKey()
        return begin(epoch + 1)
      }
      // A retired secret can go once every ledger has been here.
      if (wrappedKey !== stored.wrappedKey) write({ epoch, wrappedKey })
      return { epoch, wrappedKey }
    },
    newKey,
    write,
  }
}
