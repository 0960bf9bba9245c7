/** The simulated engine as a process: `node tools/local/engine/main.ts --port 9001`. */
import { helpText, parseFlags } from './flags.ts'
import { startEngine } from './start-engine.ts'

const parsed = parseFlags(process.argv.slice(2))
if (!parsed.ok) {
  process.stderr.write(`${parsed.error} (--help lists the flags)\n`)
  process.exitCode = 2
} else if (parsed.value.help) {
  process.stdout.write(helpText())
} else {
  try {
    const engine = await startEngine(parsed.value.options)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        void engine.close().then(() => process.exit(0))
      })
    }
    process.stdout.write(JSON.stringify({ ready: true, url: engine.url }) + '\n')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    process.stderr.write(`The engine could not start: ${code}\n`)
    process.exitCode = 1
  }
}
