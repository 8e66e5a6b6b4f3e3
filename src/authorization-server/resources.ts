// The resources that tokens are issued for (RFC 8707): the mounts of the gateway. Clients spell the same address in several ways; what they
// send is brought to the one way before anything compares it.
import type { PublicAddress } from '../core/ports/public-address.ts'

export interface Resources {
  /** The resource that is meant; undefined where it is none of ours. */
  canonical(sent: string): string | undefined
  /** Scopes that may be had for a resource; the first is granted to every client that is let in at all. */
  scopes(resource: string): readonly string[]
  /** What clients get that name no resource, as those of the revision of 2025-03-26. */
  readonly fallback: string
}

/** The scope of a client that is let in and nothing more: so that a token has one where no rule names any. */
export const baseScope = 'mcp'

/** Scopes of OpenID Connect: that the client learns who signed in, and that it goes on while they are away. */
export const oidcScopes: readonly string[] = ['openid', 'offline_access']

/** Whether a request that names no resource wants to know who signs in, and no tools. */
export function isSignIn(scopes: readonly string[]): boolean {
  return scopes.includes('openid') && scopes.every((scope) => oidcScopes.includes(scope))
}

export interface ResourceParts {
  readonly address: PublicAddress
  mounts(): readonly string[]
  /** Scopes that rules of access name for a mount. */
  scopes(mount: string): readonly string[]
}

export function createResources({ address, mounts, scopes }: ResourceParts): Resources {
  const all = (): readonly string[] => ['', ...mounts()]
  const resourceOf = (sent: string): string | undefined => {
    const wanted = spelling(sent)
    return all()
      .map((mount) => address.resource(mount))
      .find((resource) => spelling(resource) === wanted)
  }
  return {
    canonical: (sent) => (URL.canParse(sent) ? resourceOf(sent) : undefined),
    scopes: (resource) => {
      const mount = all().find((one) => address.resource(one) === resource)
      return mount === undefined ? [] : [...new Set([baseScope, ...scopes(mount)])]
    },
    get fallback() {
      return address.resource('')
    },
  }
}

/** Scheme and host in lower case, no standard port, no slash at the end: `URL` does the first three. */
function spelling(address: string): string {
  const url = new URL(address)
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}${url.search}${url.hash}`
}
