/** Where a pool's server begins: health and metrics are there, beside the versioned API that generations go to. */

/** `https://gpu.example.com/a/v1` → `https://gpu.example.com/a`. A base URL without a version segment is the root itself. */
export function poolRoot(baseUrl: string): string {
  return baseUrl.replace(/\/v\d[a-z0-9]*$/, '')
}
