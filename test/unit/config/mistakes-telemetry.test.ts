/** One row per mistake in exporters of traces: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'
import type { Edit } from './valid-config.ts'

const EXPORTER = { id: 'eu', jurisdictions: ['eu'], url: 'https://otlp.example.com/v1/traces' }

function exporters(...changes: readonly object[]): Edit {
  return ['telemetry', { exporters: changes.map((change) => ({ ...EXPORTER, ...change })) }]
}

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'the same exporter twice',
    edits: [exporters({}, {})],
    prints: [
      'telemetry.exporters[1] ("eu").id: "eu" is already in telemetry.exporters[0] ("eu"); give each its own',
    ],
  },
  {
    mistake: 'a jurisdiction that no region is in',
    edits: [exporters({ jurisdictions: ['eu', 'uss'] })],
    prints: [
      'telemetry.exporters[0] ("eu").jurisdictions[1]: no region is in "uss"; jurisdictions are eu, us. Did you mean "us"?',
    ],
  },
  {
    mistake: 'an open line',
    edits: [exporters({ url: 'http://otlp.example.com/v1/traces' })],
    prints: [
      'telemetry.exporters[0] ("eu").url: "http://otlp.example.com/v1/traces" would send prompts unencrypted; use https',
    ],
  },
  {
    mistake: 'a key in the URL',
    edits: [exporters({ url: 'https://otlp.example.com/v1/traces?key=sk-live' })],
    prints: ['telemetry.exporters[0] ("eu").url: a URL with a query; remove the "?" and what follows'],
  },
  {
    mistake: 'a metadata address',
    edits: [exporters({ url: 'https://169.254.169.254/v1/traces' })],
    prints: [
      'telemetry.exporters[0] ("eu").url: "https://169.254.169.254/v1/traces" is a link-local or metadata address, which is allowed in dev only; give a public address, or a binding',
    ],
  },
  {
    mistake: 'a header that every post has',
    edits: [exporters({ auth_header: 'content-type' })],
    prints: [
      'telemetry.exporters[0] ("eu").auth_header: "content-type" is a header that every post has already; name another, such as "x-api-key"',
    ],
  },
  {
    mistake: 'the secret of something else',
    edits: [exporters({ auth: 'secret:MESH_ADMIN_TOKEN' })],
    prints: [
      'telemetry.exporters[0] ("eu").auth: what stands there does not fit; give "secret:TELEMETRY_" and the rest of the name of a secret',
    ],
  },
  {
    mistake: 'nowhere to be',
    edits: [exporters({ jurisdictions: [] })],
    prints: [
      'telemetry.exporters[0] ("eu").jurisdictions: an empty list does not fit; give a list of jurisdictions such as "eu"',
    ],
  },
]

test.each(MISTAKES)('$mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})

test('an exporter without a mistake is none', () => {
  expect(linesFor([exporters({}, { id: 'both', jurisdictions: ['eu', 'us'], share: 1 })])).toEqual([])
})
