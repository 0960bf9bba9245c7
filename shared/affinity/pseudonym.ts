/** A name for something that is not to be told: the same whenever it is asked for, and nothing to who lacks the secret. */
import { anchorHere, startWalk, walkText } from './prefix-walk.ts'

/** 53 bits, evenly spread. Not a digest: it keeps things apart and hides them from who reads along, no more. */
export function pseudonym(text: string, secret: string): number {
  const walk = startWalk(secret)
  walkText(walk, text)
  return anchorHere(walk).id
}

/** Names the API key that a request came with among those that pools failed: whose it is, no monitor has to know. */
export function keyName(keyId: string, secret: string): string {
  return pseudonym(keyId, `${secret}/key`).toString(36)
}
