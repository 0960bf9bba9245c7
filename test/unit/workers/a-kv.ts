/** A KV namespace in memory, that can be made to fail or to hang. */
export interface TestKv {
  readonly namespace: KVNamespace
  readonly values: Map<string, Uint8Array>
  readonly gets: readonly string[]
  readonly puts: readonly { readonly key: string; readonly expirationTtl: number | undefined }[]
  how: 'well' | 'fails' | 'hangs'
}

export function aKv(): TestKv {
  const values = new Map<string, Uint8Array>()
  const gets: string[] = []
  const puts: { key: string; expirationTtl: number | undefined }[] = []
  const kv = {
    values,
    gets,
    puts,
    how: 'well' as TestKv['how'],
    // What answers use of a namespace.
    namespace: {
      async get(key: string) {
        gets.push(key)
        if (kv.how === 'fails') throw new Error('KV GET failed: 503 Service Unavailable')
        if (kv.how === 'hangs') return new Promise(() => undefined)
        const value = values.get(key)
        return value === undefined ? null : value.slice().buffer
      },
      async put(key: string, value: Uint8Array, options?: { expirationTtl?: number }) {
        if (kv.how === 'fails') throw new Error('KV PUT failed: 429 Too Many Requests')
        puts.push({ key, expirationTtl: options?.expirationTtl })
        values.set(key, value.slice())
      },
    } as unknown as KVNamespace,
  }
  return kv
}
