/** A region's monitor that nobody can reach. */
import type { MonitorLink } from '../../../workers/stores/monitor-link.ts'

export const NO_MONITOR: MonitorLink = { warmUp: () => Promise.resolve(), refresh: () => undefined }
