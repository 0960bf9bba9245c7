/** What docs/private-pools.md shows of a config is one that the mesh takes. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { expect, test } from 'vitest'
import { parseMeshConfig } from '../../../shared/config/parse.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'

const ROOT = path.resolve(import.meta.dirname, '../../..')
const PAGE = readFileSync(path.join(ROOT, 'docs/private-pools.md'), 'utf8')
const EXAMPLE = readFileSync(path.join(ROOT, 'docs/examples/onprem.toml'), 'utf8')

const URL = 'https://pool.example.com'
const URLS = { 'eu-central': URL, 'us-east': URL, 'ap-southeast': URL }

function shownPools(): Record<string, unknown>[] {
  const block = /```toml\n([^`]*)```/.exec(PAGE)?.[1] ?? ''
  return (parseToml(block) as { pools: Record<string, unknown>[] }).pools
}

test('the pools on the page are accepted in cloudflare mode, and without their bindings are not', () => {
  const linesOf = (pools: readonly object[]): string[] => {
    const config = { ...aMeshConfig(URLS), pools }
    const parsed = parseMeshConfig(JSON.stringify(config), { mode: { kind: 'cloudflare' } })
    return parsed.ok ? [] : parsed.error.map(({ path: where }) => where)
  }
  const pools = shownPools()
  expect(linesOf(pools)).toEqual([])
  const withoutBindings = pools.map(({ binding: _binding, ...pool }) => pool)
  expect(linesOf(withoutBindings)).toEqual(['pools[0] ("berlin").url', 'pools[1] ("frankfurt").url'])
})

test('the bindings that they name are those of the environment', () => {
  const { env } = parseToml(EXAMPLE) as { env: { onprem: Record<string, { binding: string }[]> } }
  const { vpc_services: services, vpc_networks: networks, mtls_certificates: certificates } = env.onprem
  const bound = [services, networks, certificates].flatMap((entries) =>
    entries?.map(({ binding }) => binding),
  )
  expect(shownPools().map(({ binding }) => binding)).toEqual(bound)
})
