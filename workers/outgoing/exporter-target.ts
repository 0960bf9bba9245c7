/** How an exporter of traces is reached: its address, and its key. */
import type { Exporter } from '../../shared/schema/config-telemetry.ts'
import { textBinding, type Environment } from '../environment.ts'

export interface ExporterTarget {
  readonly exporter: Exporter
  /** The only host that it may be called at. */
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
}

const SECRET_PREFIX = 'secret:'

/** Undefined where the secret that it names does not exist. */
export function exporterTarget(exporter: Exporter, env: Environment): ExporterTarget | undefined {
  const { url, auth, auth_header: header } = exporter
  const { host } = new URL(url)
  if (auth === undefined) return { exporter, host, headers: {} }
  const secret = textBinding(env, auth.slice(SECRET_PREFIX.length))
  if (secret === undefined) return undefined
  // Only the standard header has a scheme; in the others a key stands by itself.
  return { exporter, host, headers: { [header]: header === 'authorization' ? `Bearer ${secret}` : secret } }
}
