/** Where an operator collects traces: a server that writes down what it is posted, and answers what it is told. */
import { z } from 'zod'
import { startRecordingPool, type Recorded, type RecordingPool } from './recording-pool.ts'

const attribute = z.strictObject({ key: z.string(), value: z.record(z.string(), z.unknown()) })
const span = z.strictObject({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string(),
  kind: z.int(),
  startTimeUnixNano: z.string().regex(/^\d{19}$/),
  endTimeUnixNano: z.string().regex(/^\d{19}$/),
  attributes: z.array(attribute),
  status: z.strictObject({ code: z.int().optional() }),
})
const exported = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(attribute) }),
      scopeSpans: z.array(
        z.strictObject({ scope: z.strictObject({ name: z.string() }), spans: z.array(span) }),
      ),
    }),
  ),
})

export type CollectedSpan = Omit<z.output<typeof span>, 'attributes'> & {
  /** By name, without their types. */
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface Collector extends Pick<RecordingPool, 'answerWith' | 'stop'> {
  readonly url: string
  readonly posts: readonly Recorded[]
  /** All of all posts. */
  spans(): readonly CollectedSpan[]
}

export async function startCollector(): Promise<Collector> {
  const server = await startRecordingPool()
  const well: Parameters<RecordingPool['answerWith']>[0] = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
  server.answerWith(well)
  return {
    url: `${server.url}/v1/traces`,
    posts: server.requests,
    spans: () => server.requests.flatMap(({ body }) => spansIn(body)),
    answerWith: (script) => server.answerWith(script ?? well),
    stop: () => server.stop(),
  }
}

function spansIn(body: string): CollectedSpan[] {
  const { resourceSpans } = exported.parse(JSON.parse(body))
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map(({ attributes, ...rest }) => ({
      ...rest,
      attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
    }))
}
