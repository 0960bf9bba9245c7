/** The ConfigStore's tables: entries in their order, and the texts that they name, each once. */
import type { ConfigAct, ConfigEntry, StoredConfig } from './config-store-rpc.ts'

export interface ConfigEntries {
  latest(): StoredConfig | undefined
  /** Writes at once: nothing else can happen between reading what is current and this. */
  add(entry: Omit<ConfigEntry, 'number'>, text: string): ConfigEntry
  before(number: number | undefined): readonly ConfigEntry[]
  find(version: string): StoredConfig | undefined
}

const HISTORY_PAGE = 50
/** Older ones are forgotten, with texts that no other entry names. */
const MAX_ENTRIES = 1000

interface Row extends Record<string, SqlStorageValue> {
  readonly number: number
  readonly version: string
  readonly at_ms: number
  readonly act: string
  readonly who: string
  readonly note: string
}

interface TextRow extends Row {
  readonly text: string
}

const WITH_TEXT = 'SELECT entry.*, config.text FROM entry JOIN config USING (version)'

export function createConfigEntries(storage: DurableObjectStorage): ConfigEntries {
  const { sql } = storage
  sql.exec(`
    CREATE TABLE IF NOT EXISTS config (version TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS entry (
      number INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL, at_ms INTEGER NOT NULL,
      act TEXT NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS entry_by_version ON entry (version, number);
  `)

  function add({ version, atMs, act, who, note }: Omit<ConfigEntry, 'number'>, text: string): ConfigEntry {
    sql.exec('INSERT OR IGNORE INTO config VALUES (?, ?)', version, text)
    const row = sql
      .exec<Row>(
        'INSERT INTO entry (version, at_ms, act, who, note) VALUES (?, ?, ?, ?, ?) RETURNING *',
        version,
        atMs,
        act,
        who,
        note,
      )
      .one()
    sql.exec('DELETE FROM entry WHERE number <= ?', row.number - MAX_ENTRIES)
    sql.exec('DELETE FROM config WHERE version NOT IN (SELECT version FROM entry)')
    return entryOf(row)
  }

  return {
    latest() {
      const [row] = sql.exec<TextRow>(`${WITH_TEXT} ORDER BY number DESC LIMIT 1`).toArray()
      return row === undefined ? undefined : { ...entryOf(row), text: row.text }
    },
    add: (entry, text) => storage.transactionSync(() => add(entry, text)),
    before: (number) =>
      sql
        .exec<Row>(
          'SELECT * FROM entry WHERE number < ? ORDER BY number DESC LIMIT ?',
          number ?? Number.MAX_SAFE_INTEGER,
          HISTORY_PAGE,
        )
        .toArray()
        .map(entryOf),
    find(version) {
      const [row] = sql
        .exec<TextRow>(`${WITH_TEXT} WHERE version = ? ORDER BY number DESC LIMIT 1`, version)
        .toArray()
      return row === undefined ? undefined : { ...entryOf(row), text: row.text }
    },
  }
}

function entryOf({ number, version, at_ms: atMs, act, who, note }: Row): ConfigEntry {
  // The column holds what this file writes.
  return { number, version, atMs, act: act as ConfigAct, who, note }
}
