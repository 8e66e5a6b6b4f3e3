// Variables of the environment that should name a proxy and name none that could be used, where a server would be reached through it.
import type { Settings } from '../../assembly/settings.ts'
import { type Broken, inOrder, type Problem } from '../../platform/config/index.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import { addresses } from './server-addresses.ts'

export function proxyProblems(settings: Settings, broken: readonly Broken[], proxies: Proxies): Problem[] {
  const found: Problem[] = []
  for (const [name, server] of Object.entries(settings.servers)) {
    if (!server.enabled || broken.some((each) => each.name === name)) continue
    for (const { url } of addresses([], server)) {
      const problem = proxies.problem(url.href)
      if (problem === undefined) continue
      const { variable, what, mend } = problem
      found.push({ file: variable, line: 0, column: 0, key: '', what, mend })
    }
  }
  return inOrder(found)
}
