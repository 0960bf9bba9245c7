/** What is posted to an exporter: spans as an `ExportTraceServiceRequest` of OTLP, in its JSON. */
import type { Span } from './span.ts'

const SCOPE = 'warmpath'

export function exportBody(spans: readonly Span[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: SCOPE } }] },
        scopeSpans: [{ scope: { name: SCOPE }, spans }],
      },
    ],
  })
}
