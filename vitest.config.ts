import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { aMeshConfig } from './test/support/mesh-config.ts'

/** Pools of the workers ring are never reached but through a stand-in. */
const workersConfig = aMeshConfig({
  'eu-central': 'http://eu-central.pool.test',
  'us-east': 'http://us-east.pool.test',
  'ap-southeast': 'http://ap-southeast.pool.test',
})

/**
 * They move the clock of their whole isolate: in one of their own, where no object of another test has timers of its own that
 * would then run in their place.
 */
const CLOCK_TESTS = [
  'test/workers/critical-path.test.ts',
  'test/workers/limits-path.test.ts',
  'test/workers/routing-residency.test.ts',
]

function insideWorkerd() {
  return cloudflareTest({
    main: './workers/dev/index.ts',
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      bindings: {
        MESH_MODE: 'dev',
        MESH_CONFIG: JSON.stringify(workersConfig),
        MESH_FINGERPRINT_SECRET: 'test fingerprint secret of 32 bytes or more',
        MESH_ENCRYPTION_SECRET: 'test encryption secret of 32 bytes or more',
        MESH_ADMIN_TOKEN: 'test-admin-token-0123456789abcdef',
        MESH_RECEIPT_KEY: 'a3'.repeat(32),
      },
    },
  })
}

/**
 * Tests of whole processes on real time: one that a busy machine made miss is asked once more, and the report says `retry x1`.
 * What fails twice fails.
 */
const ON_REAL_TIME = { isolate: false, retry: 1, hookTimeout: 60_000 }

/**
 * Six rings. unit: pure code on Node. workers (and workers-clock): objects, storage and streams inside workerd. real: llama.cpp, where it is
 * installed. mesh: several data centres in one Miniflare, with simulated pools. conformance: the real SDKs over HTTP against
 * a running mesh. serve: the production bundle on workerd, and the demo, as processes.
 */
export default defineConfig({
  test: {
    // Most of the time tests wait for pools that are far away, so that two cores carry two at once.
    maxWorkers: 2,
    // An object that an alarm wakes while the workers ring ends asks the runner for its code, which is not there any more:
    // the runner's own matter, and after the last test.
    onUnhandledError: (error) => !('name' in error && error.name === 'EnvironmentTeardownError'),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: './test/support/property-seed.ts',
          isolate: false,
          // Properties try thousands of cases, and a busy machine is no mistake of theirs.
          testTimeout: 30_000,
        },
      },
      {
        plugins: [insideWorkerd()],
        test: {
          name: 'workers',
          include: ['test/workers/**/*.test.ts'],
          exclude: CLOCK_TESTS,
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        plugins: [insideWorkerd()],
        test: { name: 'workers-clock', include: CLOCK_TESTS, isolate: false, testTimeout: 30_000 },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          ...ON_REAL_TIME,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'mesh',
          include: ['test/mesh/**/*.test.ts'],
          globalSetup: './test/support/build-worker.ts',
          ...ON_REAL_TIME,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          globalSetup: './test/support/build-worker.ts',
          ...ON_REAL_TIME,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'serve',
          include: ['test/serve/**/*.test.ts'],
          globalSetup: './test/serve/production-bundle.ts',
          ...ON_REAL_TIME,
          testTimeout: 30_000,
        },
      },
    ],
  },
})
