/**
 * A log shard with a config and a clock of its own, inside a real object: its storage and its streams are the runtime's. What
 * is done with it is to be done in `run`, where the object's own events happen.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { Environment } from '../../../workers/environment.ts'
import { startMesh } from '../../../workers/mesh.ts'
import { logShardClass } from '../../../workers/objects/log-shard.ts'
import { productionRuntime, type Runtime } from '../../../workers/runtime.ts'
import { aShard } from './jobs.ts'

export type ShardInstance = InstanceType<ReturnType<typeof logShardClass>>

export interface OwnShard {
  /** The latest instance; a restart makes another. */
  readonly shard: ShardInstance
  readonly state: DurableObjectState
  readonly clock: { nowMs: number }
  /** What it has written to the log. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** As after a crash: nothing is left but what is stored. */
  restart(): void
}

export interface OwnShardOptions {
  /** Of the config. */
  readonly limits?: Readonly<Record<string, number>>
  readonly log?: Readonly<Record<string, number>>
  readonly config?: Readonly<Record<string, unknown>>
  readonly runtime?: Partial<Runtime>
}

/** Runs a test's part inside an object that has such a shard. */
export function inOwnShard<T>(options: OwnShardOptions, part: (own: OwnShard) => Promise<T>): Promise<T> {
  return runInDurableObject(aShard(), (_instance, state) => {
    // The whole config, as bound in vitest.config.ts.
    const config = JSON.parse(env.MESH_CONFIG ?? '{}') as Record<string, object>
    const changed = {
      ...config,
      ...options.config,
      limits: { ...config['limits'], ...options.limits },
      log: { ...config['log'], ...options.log },
    }
    const environment: Environment = { ...env, MESH_CONFIG: JSON.stringify(changed) }
    const clock = { nowMs: Date.now() }
    const lines: Readonly<Record<string, unknown>>[] = []
    const runtime: Runtime = {
      ...productionRuntime,
      now: () => clock.nowMs,
      log: (line) => void lines.push(line),
      ...options.runtime,
    }
    const LogShard = logShardClass(startMesh(environment, ''), runtime)
    let shard = new LogShard(state, environment)
    return part({
      get shard() {
        return shard
      },
      state,
      clock,
      lines,
      restart() {
        shard = new LogShard(state, environment)
      },
    })
  })
}
