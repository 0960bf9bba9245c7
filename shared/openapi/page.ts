/** The OpenAPI document as a page to read: plain HTML, without scripts and without anything from elsewhere. */
import { OPERATIONS, type Operation } from './operations.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
summary{cursor:pointer;padding:.3rem 0}code{font-size:.9em}dt{font-weight:600}dd{margin:0 0 .4rem 1.5rem}pre{overflow:auto}`
const GROUPS = [
  ['Clients', 'api key'],
  ['Operators', 'admin token'],
  ['Everybody', 'nothing'],
] as const

/** @param schemas of the bodies, by name, as the document has them */
export function openApiPage(schemas: Readonly<Record<string, unknown>>): string {
  const groups = GROUPS.map(([title, needs]) => {
    const operations = OPERATIONS.filter((operation) => operation.needs === needs)
    return `<h2>${title}</h2>${operations.map((one) => section(one, schemas)).join('')}`
  })
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Warmpath API</title><style>${STYLE}</style></head><body><h1>Warmpath API</h1><p>For programs: <a href="openapi.json">openapi.json</a>.</p>${groups.join('')}</body></html>`
}

function section(
  { method, path, summary, body, query = {}, headers = {}, errors = {} }: Operation,
  schemas: Readonly<Record<string, unknown>>,
): string {
  const schema = body === undefined ? '' : JSON.stringify(schemas[body], undefined, 2)
  return [
    `<details><summary><code>${method.toUpperCase()} ${escaped(path)}</code> ${escaped(summary)}</summary>`,
    list('Query', query),
    list('Headers', headers),
    list('Errors', errors),
    body === undefined ? '' : `<h4>Body: ${body}</h4><pre><code>${escaped(schema)}</code></pre>`,
    '</details>',
  ].join('')
}

function list(title: string, entries: Readonly<Record<string, string>>): string {
  const rows = Object.entries(entries).map(
    ([name, text]) => `<dt><code>${escaped(name)}</code></dt><dd>${escaped(text)}</dd>`,
  )
  return rows.length === 0 ? '' : `<h4>${title}</h4><dl>${rows.join('')}</dl>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
