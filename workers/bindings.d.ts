/** Types `env` of `cloudflare:workers` with the bindings of wrangler.toml. */
import type { Environment } from './environment.ts'

declare global {
  namespace Cloudflare {
    interface Env extends Environment {}
  }
}
