/** Builds the local entry for mesh and conformance tests, into a folder of this run's own. */
import type { TestProject } from 'vitest/node'
import { buildLocalEntry } from '../../tools/build/local-entry.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly workerDir: string
  }
}

export default async function buildWorker(project: TestProject): Promise<() => Promise<void>> {
  const { dir, remove } = await buildLocalEntry()
  project.provide('workerDir', dir)
  return remove
}
