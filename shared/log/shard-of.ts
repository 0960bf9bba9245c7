/** Maps a fingerprint to the shard that holds its log: the one place that knows. */

/**
 * A fingerprint is an HMAC, so its first characters are uniform; base64url's 64 values make 24 bits of four of them.
 * @returns a number from 0 to `shards` - 1
 */
export function shardOf(fingerprint: string, shards: number): number {
  let value = 0
  for (const character of fingerprint.slice(0, 4)) value = value * 64 + ALPHABET.indexOf(character)
  return value % shards
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
