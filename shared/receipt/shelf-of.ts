/** On which of a tenant's shelves the receipt of a stream is kept until it is fetched: a busy tenant writes to several at once. */

const SHELVES_PER_TENANT = 8

/** From 0 to 7. The last hex digit of a request's id is as random as the others. */
export function shelfOf(requestId: string): number {
  return (Number.parseInt(requestId.slice(-1), 16) || 0) % SHELVES_PER_TENANT
}
