/**
 * Keeps logs in a shard's database, encrypted, and finds them again. While a log is being made it is written every now and
 * then and not event by event: a row costs money and time, and what a restart loses a reader can have made again.
 */
import { decodeLog, encodeAbout, encodeEvents, type KeptLog } from '../../shared/log/document.ts'
import { concatBytes } from '../../shared/fingerprint/bytes.ts'
import type { Cipher, Vault } from '../vault/vault.ts'
import type { LogStorage, StoredTake, TakeRow } from './log-storage.ts'

export interface FoundLog {
  readonly take: string
  readonly kept: KeptLog
}

export interface LogKeeper {
  /** The current take of a fingerprint; undefined where there is none, or none that can be read. */
  find(fingerprint: string, wrappedKey: string): Promise<FoundLog | undefined>
  findTake(take: string, wrappedKey: string): Promise<FoundLog | undefined>
  /** Makes what writes one log. */
  recorder(row: Omit<TakeRow, 'expiresAtMs'>, wrappedKey: string): LogRecorder
}

/** Writes one log, in order. Nothing here rejects: what cannot be written costs the next reader a generation. */
export interface LogRecorder {
  /** To be called when something was added: writes if it is time. Resolves when it is written; undefined if it was not. */
  note(kept: KeptLog, nowMs: number): Promise<void> | undefined
  /** Writes the rest. Resolves when it is written, and is then current under its fingerprint if `isCurrent`. */
  end(kept: KeptLog, nowMs: number, isCurrent: boolean): Promise<void>
  /** What was written before is not what the log is now: all of it is written again. */
  rewrite(): void
  /** Takes back what was written. */
  discard(): Promise<void>
}

const WRITE_AFTER_MS = 2000
const WRITE_AFTER_CHARACTERS = 32 * 1024
/** Rows hold 2 MB at the most. */
const MAX_SEGMENT_BYTES = 1024 * 1024

const encoder = new TextEncoder()

/** `onFailure` is told what failed, in one word of ours. */
export function createLogKeeper(
  storage: LogStorage,
  vault: Vault,
  onFailure: (what: 'unreadable' | 'unwritable') => void,
): LogKeeper {
  async function open(read: () => StoredTake | undefined, wrappedKey: string): Promise<FoundLog | undefined> {
    try {
      const stored = read()
      if (stored === undefined) return undefined
      const kept = await decrypt(stored, await vault.cipher(wrappedKey, stored.take))
      if (kept !== undefined) return { take: stored.take, kept }
    } catch {
      // The database itself: the reader is better served by a new answer than by none.
    }
    onFailure('unreadable')
    return undefined
  }

  return {
    find: (fingerprint, wrappedKey) => open(() => storage.find(fingerprint), wrappedKey),
    findTake: (take, wrappedKey) => open(() => storage.findTake(take), wrappedKey),
    recorder: (row, wrappedKey) =>
      createRecorder(storage, row, vault.cipher(wrappedKey, row.take), () => onFailure('unwritable')),
  }
}

function createRecorder(
  storage: LogStorage,
  row: Omit<TakeRow, 'expiresAtMs'>,
  cipherOfLog: Promise<Cipher | undefined>,
  onFailure: () => void,
): LogRecorder {
  /** Events and segments that were given to the database. */
  let events = 0
  let segments = 0
  let writtenAtMs: number | undefined
  let sizeThen = 0
  let isDiscarded = false
  let hasFailed = false
  let work: Promise<void> = Promise.resolve()

  function write(kept: KeptLog, nowMs: number): void {
    writtenAtMs = nowMs
    sizeThen = kept.log.size
    // Taken now: what is added while this is encrypted belongs to the next segment.
    const about = encodeAbout(kept)
    const pieces = cut(encoder.encode(encodeEvents(kept.log, events)))
    const from = segments
    events = kept.log.length
    segments += pieces.length
    const { expiresAtMs } = kept.life
    work = work
      .then(async () => {
        const cipher = await cipherOfLog
        if (cipher === undefined) return fail()
        const sealedAbout = await cipher.seal('about', encoder.encode(about))
        const sealed = await Promise.all(
          pieces.map((piece, index) => cipher.seal(`segment ${from + index}`, piece)),
        )
        if (!isDiscarded) storage.append({ ...row, expiresAtMs }, sealedAbout, from, sealed)
      })
      .catch(fail)
  }

  function fail(): void {
    hasFailed = true
    onFailure()
  }

  return {
    note(kept, nowMs) {
      // The first row comes when the pool has been at it for a while: nothing is written before it is asked.
      writtenAtMs ??= nowMs
      const isTime = nowMs - writtenAtMs >= WRITE_AFTER_MS
      if (!isTime && kept.log.size - sizeThen < WRITE_AFTER_CHARACTERS) return undefined
      write(kept, nowMs)
      return work
    },
    end(kept, nowMs, isCurrent) {
      write(kept, nowMs)
      const { expiresAtMs } = kept.life
      work = work
        .then(() => {
          // What is not there whole does not take the place of what is.
          if (isCurrent && !isDiscarded && !hasFailed) storage.supersede({ ...row, expiresAtMs }, nowMs)
        })
        .catch(onFailure)
      return work
    },
    rewrite() {
      hasFailed = false
      events = 0
      segments = 0
    },
    discard() {
      isDiscarded = true
      work = work.then(() => storage.remove(row.take)).catch(onFailure)
      return work
    },
  }
}

async function decrypt(stored: StoredTake, cipher: Cipher | undefined): Promise<KeptLog | undefined> {
  if (cipher === undefined) return undefined
  const about = await cipher.open('about', stored.about)
  const segments = await Promise.all(
    stored.segments.map((segment, number) => cipher.open(`segment ${number}`, segment)),
  )
  const whole = segments.filter((segment) => segment !== undefined)
  if (about === undefined || whole.length !== segments.length) return undefined
  const decoder = new TextDecoder()
  return decodeLog(decoder.decode(about), decoder.decode(concatBytes(whole)))
}

function cut(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let start = 0; start < bytes.byteLength; start += MAX_SEGMENT_BYTES) {
    pieces.push(bytes.subarray(start, start + MAX_SEGMENT_BYTES))
  }
  return pieces
}
