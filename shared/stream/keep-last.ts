/**
 * Keeps an object's members, less the excluded ones, as last stated. A null does not undo a value: pools repeat a
 * member as null on the chunks that have nothing to say about it. (A map, because a pool may name a member
 * `__proto__`.)
 */
export function keepLast(
  kept: Map<string, unknown>,
  from: Readonly<Record<string, unknown>>,
  excluded: ReadonlySet<string>,
): void {
  for (const [key, value] of Object.entries(from)) {
    if (!excluded.has(key) && (value !== null || !kept.has(key))) kept.set(key, value)
  }
}
