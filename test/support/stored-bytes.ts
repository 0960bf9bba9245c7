/** Everything that a test mesh has stored, as bytes: files as they are, and databases row by row. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface Stored {
  /** File, and of a database the table. */
  readonly place: string
  readonly bytes: Uint8Array
}

/**
 * Reads a copy, so that no database is opened twice. A row can be cut in pieces in a file, and a file can hold what no row holds
 * any more: both are looked at.
 */
export async function storedBytes(storageDir: string): Promise<readonly Stored[]> {
  const copy = await mkdtemp(path.join(tmpdir(), 'stored-'))
  try {
    await cp(storageDir, copy, { recursive: true })
    const entries = await readdir(copy, { recursive: true, withFileTypes: true })
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
    const raw = files.map(async (file): Promise<Stored> => ({
      place: path.relative(copy, file),
      bytes: await readFile(file),
    }))
    const stored = await Promise.all(raw)
    const databases = files.filter((file) => file.endsWith('.sqlite'))
    return [...stored, ...databases.flatMap((file) => rowsOf(file, path.relative(copy, file)))]
  } finally {
    await rm(copy, { recursive: true })
  }
}

function rowsOf(file: string, name: string): Stored[] {
  const database = new DatabaseSync(file)
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    return tables.map(({ name: table }) => {
      const rows = database.prepare(`SELECT * FROM "${String(table)}"`)
      rows.setReadBigInts(true)
      return { place: `${name}, table ${String(table)}`, bytes: Buffer.concat(rows.all().flatMap(bytesOf)) }
    })
  } finally {
    database.close()
  }
}

function bytesOf(row: Readonly<Record<string, unknown>>): Uint8Array[] {
  return Object.values(row).flatMap((value) => [
    value instanceof Uint8Array ? value : Buffer.from(String(value)),
    Buffer.from('\n'),
  ])
}
