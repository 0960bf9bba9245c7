/**
 * Writes mesh.schema.json, which lets editors complete and check mesh.toml, from the schema that the mesh itself
 * uses. With --check it writes nothing and fails if the file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchemaText } from './json-schema.ts'

const FILE = join(import.meta.dirname, '../../mesh.schema.json')

const wanted = jsonSchemaText()
if (process.argv.includes('--check')) {
  if (currentText() !== wanted) {
    console.error(
      'mesh.schema.json is not what shared/schema makes of it. Run `npm run schema` and commit the result.',
    )
    process.exitCode = 1
  }
} else {
  writeFileSync(FILE, wanted)
}

function currentText(): string | undefined {
  try {
    return readFileSync(FILE, 'utf8')
  } catch {
    // Not there: as stale as can be.
    return undefined
  }
}
