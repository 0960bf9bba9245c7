/** What a request made by this isolate itself tells the routing besides its content. */
import type { Fingerprinted } from '../contexts.ts'
import { mayKeepHere } from './may-keep-here.ts'

export function knownHere({ narrowing, placement, arrival, requestId }: Fingerprinted): {
  affinity?: string
  isRemembered: boolean
  name: string
} {
  const { affinity } = narrowing
  return {
    ...(affinity === undefined ? {} : { affinity }),
    isRemembered: mayKeepHere(placement, arrival),
    name: requestId,
  }
}
