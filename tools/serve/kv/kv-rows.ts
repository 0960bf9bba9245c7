/** The rows of a KV namespace on one's own disk: keys, values, and when each of them ends. */

export interface KvRow {
  readonly key: string
  readonly value: ArrayBuffer
  /** Seconds since the epoch. */
  readonly expiration: number | null
  /** JSON. */
  readonly metadata: string | null
}

export interface KvRows {
  get(key: string, nowSeconds: number): KvRow | undefined
  put(row: KvRow): void
  remove(key: string): void
  /** At most `limit`, in the order of their keys. */
  list(range: { prefix: string; after: string; limit: number; nowSeconds: number }): readonly KvRow[]
  /** When the next row ends, in seconds since the epoch. */
  nextEnd(): number | undefined
  removeEnded(nowSeconds: number): void
}

/** Makes the table where it is missing. Times are whole seconds, as the protocol's are. */
export function kvRows(sql: SqlStorage): KvRows {
  sql.exec(
    'create table if not exists kv (key text primary key, value blob not null, expiration integer, metadata text) without rowid',
  )
  sql.exec('create index if not exists kv_by_expiration on kv (expiration) where expiration is not null')
  const live = '(expiration is null or expiration > ?)'
  const rows = (query: string, ...values: unknown[]): KvRow[] =>
    // The columns are those of the table above.
    sql.exec(query, ...values).toArray() as unknown as KvRow[]

  return {
    get: (key, nowSeconds) => rows(`select * from kv where key = ? and ${live}`, key, nowSeconds)[0],
    put({ key, value, expiration, metadata }) {
      sql.exec('insert or replace into kv values (?, ?, ?, ?)', key, value, expiration, metadata)
    },
    remove(key) {
      sql.exec('delete from kv where key = ?', key)
    },
    list: ({ prefix, after, limit, nowSeconds }) =>
      rows(
        `select * from kv where key > ? and substr(key, 1, ?) = ? and ${live} order by key limit ?`,
        after,
        prefix.length,
        prefix,
        nowSeconds,
        limit,
      ),
    nextEnd() {
      const [first] = sql.exec('select min(expiration) as at from kv').toArray()
      return typeof first?.['at'] === 'number' ? first['at'] : undefined
    },
    removeEnded(nowSeconds) {
      sql.exec('delete from kv where expiration <= ?', nowSeconds)
    },
  }
}
