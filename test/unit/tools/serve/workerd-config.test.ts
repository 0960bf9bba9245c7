import { expect, test } from 'vitest'
import { formatWorkerdConfig } from '../../../../tools/serve/workerd-config.ts'

const CONFIG = formatWorkerdConfig({
  facts: {
    compatibilityDate: '2026-10-28',
    compatibilityFlags: ['enable_request_signal'],
    vars: { MESH_MODE: 'cloudflare', OTHER: 'text' },
    kvNamespaces: ['ANSWERS'],
    objects: [{ binding: 'LOG_SHARD', className: 'LogShard' }],
  },
  modules: ['index.js', 'a-mesh.toml'],
  kvModules: ['kv/kv-service.ts'],
  meshConfigFile: 'node-mesh.toml',
  mode: 'single:eu',
  place: { colo: 'FRA', country: 'DE' },
  secretNames: ['MESH_ADMIN_TOKEN'],
  listen: '0.0.0.0:8787',
  readiness: '127.0.0.1:5',
  objectsDir: '/data/objects',
  kvDir: '/data/kv',
})
// Layout is for people.
const FLAT = CONFIG.replaceAll(/\s+/g, ' ')

test.each([
  ['the mode of the node, in place of the platform’s', '(name = "MESH_MODE", text = "single:eu")'],
  ['the other variables', '(name = "OTHER", text = "text")'],
  ['its place', String.raw`(name = "MESH_NODE_PLACE", text = "{\"colo\":\"FRA\",\"country\":\"DE\"}")`],
  ['the mesh’s config as a file', '(name = "MESH_CONFIG", text = embed "node-mesh.toml")'],
  ['secrets by name', '(name = "MESH_ADMIN_TOKEN", fromEnvironment = "MESH_ADMIN_TOKEN")'],
  ['objects on disk', '(className = "LogShard", uniqueKey = "warmpath-LogShard", enableSql = true)'],
  ['where they are', '(name = "objects", disk = (path = "/data/objects", writable = true))'],
  ['the modules by their kind', '(name = "a-mesh.toml", text = embed "a-mesh.toml")'],
  ['a socket for HTTP', '(name = "http", address = "0.0.0.0:8787", http = (), service = "mesh")'],
])('it has %s', (_name, part) => {
  expect(FLAT).toContain(part)
})

test('no name of a pool leads to this machine or to a cloud’s credentials', () => {
  expect(FLAT).toContain('deny = [ "local", "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", ]')
})

test('no client can say where it arrives: no header is read as the platform’s word', () => {
  expect(CONFIG).not.toContain('cfBlobHeader')
  expect(CONFIG).not.toContain('"cloudflare"')
})
