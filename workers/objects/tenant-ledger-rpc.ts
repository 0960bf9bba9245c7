/** What a TenantLedger can be asked. */
export interface TenantLedgerRpc extends Rpc.DurableObjectBranded {
  /** Grants an isolate the right to act for the tenant for a few seconds. */
  grantLease(): Promise<{ readonly epoch: number }>
  /** Starts a new cache epoch. Returns when every lease on the older one has run out: nothing cached before is served. */
  raiseEpoch(): Promise<number>
}
