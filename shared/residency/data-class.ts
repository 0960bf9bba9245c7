/** Which class of data a request may be said to carry: a claim counts only where the key may make it. */
import type { Tenant } from '../schema/mesh.ts'

export interface ClassClaim {
  readonly tenant: Tenant
  /** Id of the API key. */
  readonly keyId?: string
  /** As the client claims it. */
  readonly dataClass?: string
}

/** The claimed class if the key may claim it. Undefined is the unknown: every rule about classes applies. */
export function knownDataClass({ tenant, keyId, dataClass }: ClassClaim): string | undefined {
  if (dataClass === undefined || !tenant.data_classes.includes(dataClass)) return undefined
  const key = keyId === undefined ? undefined : tenant.keys.find(({ id }) => id === keyId)
  // Of a key that is not known, what every key may claim is all that is sure.
  const keys = key === undefined ? tenant.keys : [key]
  return keys.every(({ data_classes: classes }) => classes?.includes(dataClass) ?? true)
    ? dataClass
    : undefined
}
