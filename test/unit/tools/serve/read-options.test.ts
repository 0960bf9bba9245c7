import path from 'node:path'
import { expect, test } from 'vitest'
import { readOptions } from '../../../../tools/serve/read-options.ts'

const read = (
  args: readonly string[],
  {
    files = {},
    environment = {},
  }: { files?: Record<string, string>; environment?: Record<string, string> } = {},
) =>
  readOptions(args, { projectDir: '/project', environment, readText: (file) => files[path.basename(file)] })

test('a place is all that must be stated', () => {
  expect(read(['--colo', 'FRA'])).toEqual({
    ok: true,
    value: {
      mode: undefined,
      configFile: '/project/mesh.toml',
      dataDir: '/project/.warmpath/serve',
      bundleDir: undefined,
      node: { colo: 'FRA', listen: '127.0.0.1:8787', notice_seconds: 2, drain_seconds: 30 },
    },
  })
})

test('a file may state it, and a flag counts more', () => {
  const files = { 'node.toml': 'colo = "FRA"\ncountry = "DE"\nlisten = "0.0.0.0:80"\ndrain_seconds = 5' }
  const options = read(['--node', 'node.toml', '--colo', 'AMS', '--drain-seconds', '7'], { files })
  expect(options.ok && options.value.node).toEqual({
    colo: 'AMS',
    country: 'DE',
    listen: '0.0.0.0:80',
    notice_seconds: 2,
    drain_seconds: 7,
  })
})

test('the mode comes from the flag, else from the environment, and from nowhere else', () => {
  const environment = { MESH_MODE: 'single:eu' }
  const modeOf = (args: string[]) => {
    const options = read(['--colo', 'FRA', ...args], { environment })
    return options.ok ? options.value.mode : options.error
  }
  expect(modeOf([])).toBe('single:eu')
  expect(modeOf(['--mode', 'single:us'])).toBe('single:us')
  expect(read(['--node', 'n.toml'], { files: { 'n.toml': 'colo = "FRA"\nmode = "single:eu"' } })).toEqual({
    ok: false,
    error:
      'n.toml: there is no such key as mode; keys are colo, country, continent, listen, notice_seconds, drain_seconds.',
  })
})

test.each<[readonly string[], string]>([
  [[], 'the flags: colo is missing or does not fit; give a three-letter data centre code, e.g. "FRA".'],
  [['--node', 'missing.toml'], 'missing.toml cannot be read.'],
  [['--node', 'broken.toml'], 'broken.toml, line 1: the text cannot be read as TOML.'],
  [
    ['--colo', 'FRA', '--drain-seconds', 'long'],
    'the flags: drain_seconds is missing or does not fit; give a whole number from 0 to 3600.',
  ],
  [
    ['--colo', 'FRA', '--listen', 'everywhere'],
    'the flags: listen is missing or does not fit; give an address and a port, e.g. "0.0.0.0:8787".',
  ],
  [['--admin-token', 'x'], "Unknown option '--admin-token'"],
])('%j is refused with a sentence', (args, error) => {
  const options = read(args, { files: { 'broken.toml': '=' } })
  expect(options.ok ? '' : options.error).toContain(error)
})
