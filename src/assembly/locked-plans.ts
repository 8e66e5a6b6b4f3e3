// The end of tools as the lock file plans it. The file is read with the configuration, so its plans stay as long as the gateway runs.
import type { Deprecations } from '../core/ports/deprecations.ts'
import { deprecationOf, type LockFile } from '../gateway/contracts/index.ts'

/** What operators plan while the gateway runs goes before the file. */
export function withLockedPlans(plans: Deprecations, lock: LockFile | undefined): Deprecations {
  const locked = new Map(
    [...(lock?.servers ?? [])].flatMap(([server, { tools }]) =>
      [...tools].flatMap(([tool, { deprecated }]) =>
        // Names of servers have no slash.
        deprecated === null ? [] : [[`${server}/${tool}`, deprecationOf(deprecated)] as const],
      ),
    ),
  )
  if (locked.size === 0) return plans
  return {
    planOf: (upstream, tool) => plans.planOf(upstream, tool) ?? locked.get(`${upstream}/${tool}`),
    onChange: (listener) => plans.onChange(listener),
  }
}
