/** What `npm start -- --engine llama` starts: processes that stand in for the config's pools. */
import { expect, test, describe } from 'vitest'
import { parseMeshConfig } from '../../shared/config/parse.ts'
import { devConfig } from '../../tools/local/dev-config.ts'
import { startEngines } from '../../tools/local/engines.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { MODEL_FILE, realEngine } from '../support/real-engine.ts'

const setup = await realEngine()
const SECRETS = { adminToken: '', fingerprintSecret: '', encryptionSecret: '', receiptKey: '', apiKeys: {} }

describe.skipIf('skip' in setup)('real engines of a local start', () => {
  test('answer under the pool’s name, and in a config that a mesh accepts', async () => {
    const config = aMeshConfig({
      'eu-central': 'https://a.test',
      'us-east': 'https://b.test',
      'ap-southeast': 'https://c.test',
    })
    const one = { ...config, pools: config.pools.slice(0, 1) }
    const engines = await startEngines(one, { modelFile: MODEL_FILE })
    try {
      const running = devConfig(one, SECRETS, engines)
      expect(running.pools).toMatchObject([{ id: 'eu-central', dialect: 'llamacpp', capacity: 4 }])
      expect(parseMeshConfig(JSON.stringify(running), { mode: { kind: 'dev' } })).toMatchObject({ ok: true })
      const models = await fetch(`${running.pools[0]?.url}/models`)
      expect(await models.json()).toMatchObject({ data: [{ id: 'story-8b' }] })
    } finally {
      for (const { process } of engines) process.kill('SIGTERM')
    }
  })
})
