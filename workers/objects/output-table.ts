/** The table of how long answers of each model are, where their clients gave no limit. */
import type { OutputCount } from '../../shared/ledger/batch.ts'
import { addOutput, usualOutputTokens, type OutputSizes } from '../../shared/ledger/output-sizes.ts'

export interface OutputTable {
  /** By model, where enough answers were seen. */
  usual(): Readonly<Record<string, number>>
  count(outputs: readonly OutputCount[]): void
}

type Row = { model: string; bucket: number; answers: number }

export function createOutputTable(sql: SqlStorage): OutputTable {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS output_size (
      model TEXT NOT NULL, bucket INTEGER NOT NULL, answers INTEGER NOT NULL, PRIMARY KEY (model, bucket)
    ) WITHOUT ROWID;
  `)

  function sizesByModel(): Map<string, OutputSizes> {
    const byModel = new Map<string, OutputSizes>()
    for (const { model, bucket, answers } of sql.exec<Row>(
      'SELECT model, bucket, answers FROM output_size',
    )) {
      byModel.set(model, new Map(byModel.get(model)).set(bucket, answers))
    }
    return byModel
  }

  return {
    usual() {
      const all = [...sizesByModel()].map(([model, sizes]) => [model, usualOutputTokens(sizes)] as const)
      return Object.fromEntries(
        all.flatMap(([model, tokens]) => (tokens === undefined ? [] : [[model, tokens]])),
      )
    },
    count(outputs) {
      if (outputs.length === 0) return
      const known = sizesByModel()
      for (const { model, bucket, count } of outputs) {
        const sizes = addOutput(known.get(model) ?? new Map<number, number>(), bucket, count)
        known.set(model, sizes)
        for (const [each, answers] of sizes) {
          sql.exec(
            'INSERT OR REPLACE INTO output_size (model, bucket, answers) VALUES (?, ?, ?)',
            model,
            each,
            answers,
          )
        }
      }
    },
  }
}
