/**
 * Writes mesh.schema.json, which lets editors complete and check mesh.toml, and docs/openapi.json, which says what can be called,
 * from the schemas that the mesh itself uses. With --check it writes nothing and fails if a file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchemaText } from './json-schema.ts'
import { openApiText } from './openapi-text.ts'

const FILES = { 'mesh.schema.json': jsonSchemaText, 'docs/openapi.json': openApiText }

for (const [file, textOf] of Object.entries(FILES)) {
  const path = join(import.meta.dirname, '../..', file)
  const wanted = textOf()
  if (!process.argv.includes('--check')) {
    writeFileSync(path, wanted)
  } else if (currentText(path) !== wanted) {
    console.error(
      `${file} is not what shared/schema makes of it. Run \`npm run schema\` and commit the result.`,
    )
    process.exitCode = 1
  }
}

function currentText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not there: as stale as can be.
    return undefined
  }
}
