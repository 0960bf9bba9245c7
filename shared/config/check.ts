/** What no single field can show: duplicates, dangling references, contradictions, and places no request may go. */
import { checkAudit } from './check-audit.ts'
import { checkDialects } from './check-dialects.ts'
import { checkIds } from './check-ids.ts'
import { checkKeys } from './check-keys.ts'
import { checkLimits } from './check-limits.ts'
import { checkMode } from './check-mode.ts'
import { checkMoney } from './check-money.ts'
import { checkModels } from './check-models.ts'
import { checkOidc } from './check-oidc.ts'
import { checkPools } from './check-pools.ts'
import { checkReach } from './check-reach.ts'
import { checkReferences } from './check-references.ts'
import { checkResidency } from './check-residency.ts'
import { checkSelectors } from './check-selectors.ts'
import { checkSharedPrefix } from './check-shared-prefix.ts'
import { checkTelemetry } from './check-telemetry.ts'
import type { Draft } from './draft.ts'
import type { MeshMode } from './mode.ts'
import type { ConfigProblem } from './problem.ts'

/** All problems of a draft, those of ids first: what refers to a doubtful id is easier to understand after them. */
export function checkDraft(draft: Draft, mode: MeshMode): ConfigProblem[] {
  return [
    ...checkIds(draft),
    ...checkReferences(draft),
    ...checkSelectors(draft),
    ...checkResidency(draft),
    ...checkAudit(draft, mode),
    ...checkPools(draft, mode),
    ...checkDialects(draft),
    ...checkModels(draft),
    ...checkReach(draft),
    ...checkSharedPrefix(draft),
    ...checkKeys(draft, mode),
    ...checkOidc(draft, mode),
    ...checkMode(draft, mode),
    ...checkLimits(draft),
    ...checkMoney(draft, mode),
    ...checkTelemetry(draft, mode),
  ]
}
