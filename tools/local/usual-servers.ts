/** Looks for inference servers on the ports they usually take on one's own machine, so that they can be offered. */

export interface FoundServer {
  readonly name: string
  readonly dialect: 'vllm' | 'llamacpp' | 'ollama' | 'openai'
  readonly url: string
  readonly models: readonly string[]
}

const USUAL = [
  { name: 'Ollama', dialect: 'ollama', port: 11434 },
  { name: 'llama.cpp', dialect: 'llamacpp', port: 8080 },
  { name: 'vLLM', dialect: 'vllm', port: 8000 },
  { name: 'LM Studio', dialect: 'openai', port: 1234 },
] as const

const ANSWER_WITHIN_MS = 300

export async function findUsualServers(): Promise<readonly FoundServer[]> {
  const found = await Promise.all(
    USUAL.map(async ({ name, dialect, port }): Promise<FoundServer | undefined> => {
      const url = `http://127.0.0.1:${port}/v1`
      const models = await modelsAt(url)
      return models === undefined ? undefined : { name, dialect, url, models }
    }),
  )
  return found.filter((server) => server !== undefined)
}

async function modelsAt(url: string): Promise<readonly string[] | undefined> {
  try {
    const response = await fetch(`${url}/models`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    const list: unknown = await response.json()
    const data = typeof list === 'object' && list !== null && 'data' in list ? list.data : undefined
    if (!response.ok || !Array.isArray(data)) return undefined
    return data.flatMap((card: unknown) =>
      typeof card === 'object' && card !== null && 'id' in card && typeof card.id === 'string'
        ? [card.id]
        : [],
    )
  } catch {
    // Nothing there, or something else than an inference server.
    return undefined
  }
}
