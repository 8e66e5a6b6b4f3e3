// The scopes that the access rules name for what a mount serves: what its challenges and metadata ask for.
import { adminResource } from '../core/ports/public-address.ts'
import type { Policy } from '../gateway/access/index.ts'
import { type MountScopes, noScopes } from '../gateway/identity/index.ts'
import type { Settings } from './settings.ts'

/** Of the admin door it is what its roles name. */
export function mountScopes(policy: Policy | undefined, settings: Pick<Settings, 'servers' | 'toolsets' | 'admin'>): MountScopes {
  const ofMounts = policy === undefined ? noScopes : scopesOfMounts(policy, settings)
  const ofAdmin = [...new Set(settings.admin.roles.flatMap(({ scopes = [] }) => scopes))]
  return {
    first: (mount) => (mount === adminResource ? ofAdmin : ofMounts.first(mount)),
    all: (mount) => (mount === adminResource ? ofAdmin : ofMounts.all(mount)),
  }
}

function scopesOfMounts(policy: Policy, settings: Pick<Settings, 'servers' | 'toolsets'>): MountScopes {
  const behind = (mount: string): readonly string[] => {
    const { servers, toolsets } = settings
    if (mount === '') return Object.keys(servers)
    const toolset = Object.hasOwn(toolsets, mount) ? toolsets[mount] : undefined
    return toolset === undefined ? [mount] : toolset.include.map((selector) => selector.split('/', 1)[0] ?? '')
  }
  return { first: (mount) => policy.firstScopes(behind(mount)), all: (mount) => policy.scopes(behind(mount)) }
}
