/** The real engine as a process: `node tools/real-engine/main.ts --model FILE.gguf --port 9001`. */
import { helpText, parseFlags } from './flags.ts'
import { startRealEngine } from './start-real-engine.ts'

const parsed = parseFlags(process.argv.slice(2))
if (!parsed.ok) {
  process.stderr.write(`${parsed.error} (--help lists the flags)\n`)
  process.exitCode = 2
} else if (parsed.value.help) {
  process.stdout.write(helpText())
} else {
  try {
    const engine = await startRealEngine(parsed.value.options)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        void engine.close().then(() => process.exit(0))
      })
    }
    process.stdout.write(JSON.stringify({ ready: true, url: engine.url }) + '\n')
  } catch (error) {
    process.stderr.write(
      `The engine could not start: ${error instanceof Error ? error.message : 'no reason'}\n`,
    )
    process.exit(1)
  }
}
