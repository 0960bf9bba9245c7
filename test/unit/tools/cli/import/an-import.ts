/** Imports as tests ask for them: the fixtures, and flags that say enough of every place in them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  importLitellm,
  importPortkey,
  type Imported,
  type ImportFailure,
  type ImportQuestion,
} from '../../../../../tools/cli/import/run.ts'
import type { Result } from '../../../../../shared/result.ts'

export const NOW_MS = Date.parse('2026-11-24T12:00:00Z')

const FLAGS: Omit<ImportQuestion, 'text'> = {
  regions: ['eu-central:eu', 'canada:ca', 'us-east:us'],
  places: [
    'warm-europe.openai.azure.com=eu-central',
    'warm-canada.openai.azure.com=canada',
    'story.pools.example.com=eu-central',
    '*=us-east',
  ],
  tenant: 'imported',
  contextLength: 8192,
  mode: 'cloudflare',
  acceptWidening: false,
  acceptSharedPrefix: false,
  nowMs: NOW_MS,
}

export function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, '../../../../fixtures/import', name), 'utf8')
}

export function litellm(
  text: string,
  changes: Partial<ImportQuestion> = {},
): Result<Imported, ImportFailure> {
  return importLitellm({ ...FLAGS, text, ...changes })
}

export function portkey(
  config: object | string,
  changes: Partial<ImportQuestion> = {},
): Result<Imported, ImportFailure> {
  const text = typeof config === 'string' ? config : JSON.stringify(config)
  return importPortkey({ ...FLAGS, models: ['gpt-4o'], text, ...changes })
}

/** The findings of a kind, one line each. */
export function told(imported: Imported, kind: string): string[] {
  return imported.findings
    .filter((one) => one.kind === kind)
    .map(({ where, reason }) => `${where}: ${reason}`)
}

export function must(result: Result<Imported, ImportFailure>): Imported {
  if (!result.ok) throw new Error(result.error.lines.join('\n'))
  return result.value
}
