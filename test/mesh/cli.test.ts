/** `mesh` against a mesh that runs: what it asks is what the mesh answers. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runMesh } from '../../tools/cli/run.ts'
import { realWorld } from '../../tools/cli/world.ts'
import { askFor } from '../support/answer.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({ colos: ['FRA'], distances: false })
  // The monitors hear of pools behind requests.
  await askFor(mesh, 'FRA', 'Hello', { tenant: 'demo', body: { max_tokens: 2 } })
})
afterAll(() => mesh.stop())

async function run(
  args: readonly string[],
  token = ADMIN_TOKEN,
): Promise<{ code: number; out: string; error: string }> {
  let [out, error] = ['', '']
  const code = await runMesh(args, {
    ...realWorld(),
    environment: { MESH_URL: mesh.url('FRA'), MESH_ADMIN_TOKEN: token },
    out: (text) => (out += text),
    error: (text) => (error += text),
  })
  return { code, out, error }
}

test('status shows the config and every pool', async () => {
  const { code, out } = await run(['status'])
  expect(code).toBe(0)
  expect(out).toMatch(/^regions +eu-central \(eu\), us-east \(us\), ap-southeast \(sg\)$/m)
  for (const pool of ['eu-central', 'us-east', 'ap-southeast'])
    expect(out).toMatch(new RegExp(`^${pool} +(?:ok|-) `, 'm'))
})

test('a pool is taken out and put back', async () => {
  expect((await run(['pools', 'drain', 'us-east'])).out).toMatch(/^us-east is taken out\. Within \d+ s /)
  await expect
    .poll(async () => (await run(['pools', 'list'])).out, { timeout: 20_000 })
    .toMatch(/^us-east +drained /m)
  expect((await run(['pools', 'undrain', 'us-east'])).out).toMatch(/^us-east is put back\. Within \d+ s /)
  expect(await run(['pools', 'drain', 'nowhere'])).toMatchObject({ code: 1, out: '' })
})

test('a purge raises the epoch', async () => {
  const { code, out } = await run(['cache', 'purge', 'demo'])
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringMatching(
      /^Nothing that was cached for demo before can be served any more \(epoch \d+\)\.\n$/,
    ),
  })
})

test('residency and route are explained', async () => {
  const whose = ['--tenant', 'eu-bank', '--model', 'story']
  const placed = await run(['residency', 'explain', ...whose, '--colo', 'FRA'])
  expect(placed.out).toMatch(/^It would be served\.\n/)
  expect(placed.out).toMatch(/^us-east +us-east +us +no +floor$/m)
  const refused = await run(['residency', 'explain', ...whose, '--residency', 'us'])
  expect(refused.out).toMatch(/^It would be refused: residency_violation\.\n/)
  expect((await run(['route', 'explain', ...whose, '--colo', 'FRA'])).out).toMatch(
    /^It would go to eu-central \(\w+\)\.\n/,
  )
  expect(await run(['route', 'explain', ...whose, '--residency', 'us'])).toMatchObject({
    code: 1,
    error: expect.stringMatching(/^Refused \(residency_violation\): /),
  })
})

test('a wrong token opens nothing', async () => {
  expect(await run(['status'], 'wrong')).toMatchObject({ code: 4, out: '' })
})
