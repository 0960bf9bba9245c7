/** The OpenAPI document as a page to read: plain HTML, without scripts and without anything from elsewhere. */

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
summary{cursor:pointer;padding:.3rem 0}code{font-size:.9em}dt{font-weight:600}dd{margin:0 0 .4rem 1.5rem}pre{overflow:auto}`
const GROUPS = ['Clients', 'Operators', 'Everybody']

/** What the page shows of the document; the document has more. */
export interface ShownDocument {
  readonly paths: Readonly<Record<string, object>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

interface Shown {
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly description?: string
  }[]
  readonly responses: Readonly<Record<string, { readonly description: string }>>
  readonly requestBody?: unknown
}

export function openApiPage({ paths, components }: ShownDocument): string {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    // As document.ts has put them together.
    Object.entries(methods as Record<string, Shown>).map(([method, shown]) => ({ path, method, shown })),
  )
  const groups = GROUPS.map((title) => {
    const own = all.filter(({ shown }) => shown.tags.includes(title))
    return `<h2>${title}</h2>${own.map(({ path, method, shown }) => section(`${method.toUpperCase()} ${path}`, shown)).join('')}`
  })
  const bodies = escaped(JSON.stringify(components.schemas, undefined, 2))
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Warmpath API</title><style>${STYLE}</style></head><body><h1>Warmpath API</h1><p>For programs: <a href="openapi.json">openapi.json</a>.</p>${groups.join('')}<h2>Bodies</h2><pre><code>${bodies}</code></pre></body></html>`
}

function section(call: string, { summary, parameters, responses, requestBody }: Shown): string {
  const body = /#\/components\/schemas\/(\w+)/.exec(JSON.stringify(requestBody ?? ''))?.[1]
  return [
    `<details><summary><code>${escaped(call)}</code> ${escaped(summary)}</summary><dl>`,
    ...parameters.map((one) => row(`${one.name} (${one.in})`, one.description ?? '')),
    body === undefined ? '' : row('body', `${body}, below`),
    ...Object.entries(responses).map(([status, { description }]) => row(status, description)),
    '</dl></details>',
  ].join('')
}

function row(name: string, text: string): string {
  return `<dt><code>${escaped(name)}</code></dt><dd>${escaped(text)}</dd>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
