/** An RPC interface without the mark that only stubs carry: what the object's class itself implements. */
export type Methods<T> = Omit<T, keyof Rpc.DurableObjectBranded>
