// The scopes that the access rules name for what a mount serves: what its challenges and metadata ask for.
import type { Policy } from '../gateway/access/index.ts'
import { type MountScopes, noScopes } from '../gateway/identity/index.ts'
import type { Settings } from './settings.ts'

export function mountScopes(policy: Policy | undefined, { servers, toolsets }: Pick<Settings, 'servers' | 'toolsets'>): MountScopes {
  if (policy === undefined) return noScopes
  const all = Object.keys(servers)
  const behind = (mount: string): readonly string[] => {
    if (mount === '') return all
    const toolset = Object.hasOwn(toolsets, mount) ? toolsets[mount] : undefined
    return toolset === undefined ? [mount] : toolset.include.map((selector) => selector.split('/', 1)[0] ?? '')
  }
  return { first: (mount) => policy.firstScopes(behind(mount)), all: (mount) => policy.scopes(behind(mount)) }
}
