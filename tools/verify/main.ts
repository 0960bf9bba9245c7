/**
 * `npm run verify -- receipt FILE --jwks FILE|URL` and `npm run verify -- audit FILE --jwks FILE|URL`: checks what a mesh has
 * signed, on one's own machine. Exits with 0 if it holds, 1 if it does not, 2 if it could not be looked at.
 */
import { run } from './run.ts'

const told = await run(process.argv.slice(2))
if (told.ok) {
  for (const line of told.value.lines) console.log(line)
  process.exitCode = told.value.holds ? 0 : 1
} else {
  console.error(told.error)
  process.exitCode = 2
}
