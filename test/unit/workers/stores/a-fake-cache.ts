/** A data centre's cache, in memory. */

interface FakeCacheOptions {
  /** What it holds under every key. */
  readonly text?: string
  readonly hangs?: boolean
  readonly fails?: boolean
}

export function aFakeCache({ text, hangs = false, fails = false }: FakeCacheOptions = {}) {
  const held = new Map<string, { readonly text: string; readonly headers: Headers }>()
  const matches: string[] = []
  const puts: { readonly url: string; readonly response: Response }[] = []
  const cache = {
    match(url: string) {
      matches.push(url)
      if (hangs) return new Promise(() => undefined)
      if (fails) throw new Error('No Cache was configured')
      if (text !== undefined) return Promise.resolve(new Response(text))
      const found = held.get(url)
      return Promise.resolve(found && new Response(found.text, { headers: found.headers }))
    },
    async put(url: string, response: Response) {
      if (fails) throw new Error('No Cache was configured')
      puts.push({ url, response })
      held.set(url, { text: await response.text(), headers: response.headers })
    },
  }
  // Only these two are called.
  return { cache: cache as unknown as Cache, matches, puts }
}
