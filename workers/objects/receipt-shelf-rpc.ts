/** What a ReceiptShelf can be asked. */

export interface KeptReceipt {
  readonly requestId: string
  /** Compact JWS. */
  readonly receipt: string
  readonly expiresAtMs: number
}

export interface ReceiptShelfRpc extends Rpc.DurableObjectBranded {
  /** Returns when it is durable. What is kept under the id already is replaced. */
  put(kept: KeptReceipt): Promise<void>
  /** The receipt of a request; undefined where there is none, or none any more. */
  get(requestId: string): Promise<string | undefined>
}
