/** Writes labels as the Prometheus text format has them. */

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** `name="value",…` in the order given; what has no value is left out, which is the same as an empty one. */
export function labelText(labels: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(labels)
    .flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}="${escape(value)}"`]))
    .join(',')
}

function escape(value: string): string {
  return value.replaceAll(/[\\"\n]/g, (character) => ESCAPES[character] ?? character)
}
