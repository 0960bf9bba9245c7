/** Ends the objects of a test mesh in the middle of what they do, as a crash of their machine would. */
import type { Miniflare } from 'miniflare'

const NAME = 'restarter'
const SCRIPT = `import unsafe from 'workerd:unsafe'
export default {
  async fetch() {
    await unsafe.abortAllDurableObjects()
    return new Response()
  },
}`

/** A Worker beside those of a mesh: only from inside the runtime can an object be ended that is being used. */
export const RESTARTER = {
  config: {
    name: NAME,
    compatibilityDate: '2026-10-28',
    compatibilityFlags: ['unsafe_module'],
    manifest: { mainModule: 'index.js', modules: { 'index.js': { type: 'esm', contents: SCRIPT } } },
  },
}

/** All objects at once: whoever reads one loses its stream, and nothing is left of it but what was stored. */
export async function restartObjects({ miniflare }: { readonly miniflare: Miniflare }): Promise<void> {
  const restarter = await miniflare.getWorker(NAME)
  await restarter.fetch('http://restarter.test/')
}
