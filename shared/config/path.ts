/** Writes the place of a value in a config the way a person would look for it. */

const PLAIN_KEY = /^[A-Za-z0-9_-]{1,64}$/
const MAX_SHOWN_ID_CHARACTERS = 40

/**
 * The path as text, with the id of each list member that has one: `pools[1] ("us-east").region`.
 * @param root the whole config, as it was read; ids are looked up in it
 */
export function formatPath(root: unknown, path: readonly PropertyKey[]): string {
  let text = ''
  let value = root
  for (const segment of path) {
    value = memberOf(value, segment)
    if (typeof segment === 'number') text += `[${segment}]${idOf(value)}`
    else text += `${text === '' ? '' : '.'}${formatKey(String(segment))}`
  }
  return text === '' ? 'mesh.toml' : text
}

/** The value at a path, or undefined where there is none. Inherited members are no values. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(memberOf, root)
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return Reflect.get(value, key)
}

function formatKey(key: string): string {
  return PLAIN_KEY.test(key) ? key : '"…"'
}

function idOf(value: unknown): string {
  const id = memberOf(value, 'id')
  if (typeof id !== 'string' || !/^[\w./:-]+$/.test(id)) return ''
  return id.length > MAX_SHOWN_ID_CHARACTERS
    ? ` ("${id.slice(0, MAX_SHOWN_ID_CHARACTERS - 1)}…")`
    : ` ("${id}")`
}
