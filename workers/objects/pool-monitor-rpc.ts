/** What a PoolMonitor can be asked. */
import type { PoolStatus, RegionShare } from '../../shared/monitor/pool-view.ts'

export interface PoolMonitorRpc extends Rpc.DurableObjectBranded {
  /**
   * Takes what one region has in flight at the pool, and answers at once with what is known of it. The pool is named: not
   * every runtime tells an object its name.
   */
  report(pool: string, share: RegionShare): Promise<PoolStatus>
  /** Takes the pool out for everybody, or puts it back. Returns when it is durable. */
  drain(isDrained: boolean): Promise<void>
  status(): Promise<PoolStatus>
}
