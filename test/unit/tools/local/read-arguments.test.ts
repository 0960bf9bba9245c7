import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { readArguments } from '../../../../tools/local/read-arguments.ts'

const PROJECT_DIR = path.resolve(import.meta.dirname, '../../../..')

describe('the arguments of a local start', () => {
  test.each([
    ['nothing', []],
    ['the default by its name', ['--engine', 'simulated']],
  ])('with %s are the project’s config with simulated pools', (_, args) => {
    const value = { file: path.join(PROJECT_DIR, 'mesh.toml'), engine: 'simulated' }
    expect(readArguments(args)).toEqual({ ok: true, value })
  })

  test('with a config are that config with its own pools', () => {
    const value = { file: path.resolve('my.toml'), engine: 'own' }
    expect(readArguments(['--config', 'my.toml'])).toEqual({ ok: true, value })
  })

  test.each([
    [['--engine', 'llama'], '--engine llama needs --model FILE.gguf.'],
    [['--engine', 'llama', '--model', '/nowhere.gguf'], 'There is no model file at /nowhere.gguf.'],
    [['--engine', 'gpu'], '--engine is simulated (the default), or llama with --model FILE.gguf.'],
    [['--model', 'a.gguf'], '--engine is simulated (the default), or llama with --model FILE.gguf.'],
    [
      ['--config', 'my.toml', '--engine', 'llama'],
      'With --config the pools are your own: leave out --engine and --model.',
    ],
    [['--modle', 'a'], "Unknown option '--modle'"],
  ])('%j are refused with a sentence', (args, error) => {
    expect(readArguments(args)).toEqual({ ok: false, error })
  })
})
