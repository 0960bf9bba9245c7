/** What every handler finds in its Hono context; set by middleware/identify-request.ts. */
import type { Principal } from '../shared/access/role.ts'
import type { Edge } from './edge.ts'

export interface AppVariables {
  Variables: {
    readonly requestId: string
    readonly edge: Edge
    /** Who asks; below /admin/v1, behind `requireAdmin`. */
    readonly principal: Principal
  }
}
