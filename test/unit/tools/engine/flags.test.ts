import { describe, expect, test } from 'vitest'
import { helpText, parseFlags } from '../../../../tools/local/engine/flags.ts'

describe('the flags', () => {
  test('become options', () => {
    const line =
      '--port 9001 --model sim --served-model-name a,b --max-num-seqs 4 --max-waiting-queue-length 0 ' +
      '--max-model-len 4096 --block-size 16 --kv-cache-size 100 --prefill-overhead 20 ' +
      '--prefill-time-per-token 0.25 --inter-token-latency 10.5 --time-factor-under-load 2.5 --seed 7 ' +
      '--region eu-central --rtt-matrix {"eu-central":{"us-east":92}} --api-key sk-1'
    expect(parseFlags(line.split(' '))).toEqual({
      ok: true,
      value: {
        help: false,
        options: {
          port: 9001,
          model: 'sim',
          servedModelNames: ['a', 'b'],
          maxNumSeqs: 4,
          maxWaitingQueueLength: 0,
          maxModelLen: 4096,
          blockSize: 16,
          kvCacheSize: 100,
          prefillOverheadMs: 20,
          prefillTimePerTokenMs: 0.25,
          interTokenLatencyMs: 10.5,
          timeFactorUnderLoad: 2.5,
          seed: 7,
          region: 'eu-central',
          rttMatrix: { 'eu-central': { 'us-east': 92 } },
          apiKey: 'sk-1',
        },
      },
    })
  })

  test('are all optional', () => {
    expect(parseFlags([])).toEqual({ ok: true, value: { help: false, options: {} } })
  })

  test.each([
    ['--no-such-flag', '1'],
    ['--port', '65536'],
    ['--port', 'http'],
    ['--max-num-seqs', '0'],
    ['--block-size', '1.5'],
    ['--inter-token-latency', '-1'],
    ['--time-factor-under-load', '0.5'],
    ['--served-model-name', 'a,,b'],
    ['--rtt-matrix', '{"a":{"b":"92"}}'],
    ['--rtt-matrix', '{"a":'],
    ['--rtt-matrix', 'no-such-file.json'],
    ['positional', 'arguments'],
  ])('are refused in one line that names the flag: %s %s', (flag, value) => {
    const parsed = parseFlags([flag, value])
    expect(parsed.ok).toBe(false)
    const line = parsed.ok ? '' : parsed.error
    expect(line).toContain(flag)
    expect(line).not.toContain('\n')
  })

  test('are all in the help', () => {
    expect(parseFlags(['--help'])).toEqual({ ok: true, value: { help: true } })
    for (const flag of ['--port', '--rtt-matrix', '--api-key', '--max-num-seqs'])
      expect(helpText()).toContain(flag)
  })
})
