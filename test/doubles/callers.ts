// The check of callers at `https://gw.example`, with what no test needs left out.
import type { GuardedFetch } from '../../src/core/ports/guarded-fetch.ts'
import { publicAddress } from '../../src/core/ports/public-address.ts'
import { type Callers, type CallersParts, createCallers, noScopes } from '../../src/gateway/identity/index.ts'
import { callerSettings } from '../../src/gateway/identity/settings.ts'
import { createIssuers } from '../../src/platform/issuers/issuers.ts'
import { createMemoryEphemeral } from '../../src/platform/store/memory/ephemeral.ts'
import { keptDecisions } from './decisions.ts'
import type { ManualClock } from './manual-clock.ts'
import { silentReport } from './report.ts'

/** `auth`: as the configuration has it. `fetch` stands for all issuers. */
export function callersOf(clock: ManualClock, auth: object, fetch: GuardedFetch, more: Partial<CallersParts> = {}): Callers {
  return createCallers({
    settings: callerSettings.parse(auth),
    profile: 'dev',
    address: publicAddress(() => 'https://gw.example'),
    fetch,
    issuers: createIssuers({ fetch, clock, report: silentReport }),
    ephemeral: createMemoryEphemeral(clock, silentReport),
    clock,
    report: silentReport,
    decisions: keptDecisions(),
    scopes: noScopes,
    apiKeys: {} as never,
    revocations: { add: async () => undefined, list: async () => [] },
    ...more,
  })
}
