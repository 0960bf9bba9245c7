/** Writes values as the text form of Cap'n Proto, which workerd reads its config in. */

/** A file beside the config, whose content stands in this place. */
export interface Embedded {
  readonly embed: string
}

export type CapnpValue =
  string | boolean | number | Embedded | readonly CapnpValue[] | { readonly [field: string]: CapnpValue }

/** `(name = "http", …)`, on as few lines as are readable. A string is always a text literal: nothing in it can end it. */
export function formatCapnp(value: CapnpValue, indent = ''): string {
  if (typeof value === 'string') return literal(value)
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  const inner = `${indent}  `
  if (isList(value)) {
    const items = value.map((item) => `${inner}${formatCapnp(item, inner)},\n`)
    return items.length === 0 ? '[]' : `[\n${items.join('')}${indent}]`
  }
  if (isEmbedded(value)) return `embed ${literal(value.embed)}`
  const fields = Object.entries(value).map(([name, field]) => `${name} = ${formatCapnp(field, inner)}`)
  const line = `(${fields.join(', ')})`
  return line.includes('\n') || line.length > 100
    ? `(\n${fields.map((field) => `${inner}${field},\n`).join('')}${indent})`
    : line
}

function isList(value: CapnpValue): value is readonly CapnpValue[] {
  return Array.isArray(value)
}

function isEmbedded(value: object): value is Embedded {
  return 'embed' in value && typeof value.embed === 'string'
}

/** Bytes outside of printable ASCII are written as such, so that no reader has to know an encoding. */
function literal(text: string): string {
  const characters = Array.from(new TextEncoder().encode(text), (byte) => {
    const character = String.fromCharCode(byte)
    if (character === '"' || character === '\\') return `\\${character}`
    return byte >= 0x20 && byte < 0x7f ? character : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${characters.join('')}"`
}
