/** Bodies of the admin API that are about the config. */
import { z } from 'zod'
import { text } from './config-values.ts'

/** A row of SQLite, and a message between isolates, hold a multiple of it. */
export const MAX_CONFIG_CHARACTERS = 512 * 1024
const MAX_CASES_CHARACTERS = 256 * 1024

const configText = z
  .string('the text of a mesh.toml')
  .min(1, 'the text of a mesh.toml')
  .max(MAX_CONFIG_CHARACTERS, `at most ${MAX_CONFIG_CHARACTERS} characters`)
  .describe('The text of a mesh.toml: TOML, or JSON.')
const cases = z
  .string('the text of a mesh.test.toml')
  .max(MAX_CASES_CHARACTERS, `at most ${MAX_CASES_CHARACTERS} characters`)
  .optional()
  .describe('The text of a mesh.test.toml: cases that the config has to satisfy.')
const note = text(/^[^\p{Cc}]{0,200}$/u, 'one line of at most 200 characters')
  .default('')
  .describe('Why, for the history.')
const flag = z.boolean('true or false').default(false)
export const versionName = text(/^cfg_[0-9a-f]{12}$/, 'the name of a version, e.g. "cfg_0123456789ab"')
const expected = versionName.optional().describe('The version that is replaced; If-Match says the same.')
const acceptance = {
  accept_widening: flag.describe('Whether tenants may be allowed more than before.'),
  accept_orphans: flag.describe('Whether tenants may lose the last pool for a model.'),
}

export const validateConfigSchema = z.strictObject({ config: configText, cases })
export const putConfigSchema = z.strictObject({ config: configText, cases, expected, note, ...acceptance })
export const rollbackConfigSchema = z.strictObject({
  version: versionName.describe('The version to go back to.'),
  expected,
  note,
  ...acceptance,
})
export const diffConfigSchema = z
  .strictObject({
    config: configText.optional(),
    version: versionName.optional().describe('A stored version, in place of a text.'),
    against: versionName.optional().describe('What it is compared with; without it, the current config.'),
  })
  .refine(({ config, version }) => (config === undefined) !== (version === undefined), {
    error: 'either config or version',
    path: ['config'],
  })

export type PutConfig = Readonly<z.output<typeof putConfigSchema>>
export type RollbackConfig = Readonly<z.output<typeof rollbackConfigSchema>>
