/** A value that a test knows to be there. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test expected a value here')
  return value
}
