// What `auth` says that cannot be meant, or that a profile refuses.
import type { Settings } from '../../assembly/settings.ts'
import type { Finding, Path } from '../../platform/config/index.ts'
import { isLoopback } from '../../platform/net/loopback.ts'

export function callerFindings({ auth, profile }: Settings): Finding[] {
  const findings: Finding[] = []
  const error = (path: Path, what: string, mend: string): void =>
    void findings.push({ severity: 'error', path: ['auth', ...path], what, mend })
  if (auth.callers?.includes('oauth') === true && auth.issuers.length === 0 && auth.embedded.enabled === false) {
    error(['callers'], '`oauth` has no issuer whose tokens could be taken', 'name one under `auth.issuers`, or leave `auth.embedded` on')
  }
  if (auth.callers !== undefined && !auth.callers.includes('oauth') && auth.issuers.length > 0) {
    error(['issuers'], 'are never asked, since `auth.callers` does not have `oauth`', 'add it there, or remove them')
  }
  if (auth.callers?.includes('anonymous') === true && profile === 'production') {
    error(['callers'], '`anonymous` is for development', 'remove it; the production profile lets nobody in unknown')
  }
  const seen = new Set<string>()
  for (const [index, { issuer, jwksUri }] of auth.issuers.entries()) {
    if (seen.has(issuer)) error(['issuers', index, 'issuer'], 'stands twice', 'say all of an issuer in one entry')
    seen.add(issuer)
    for (const [key, address] of Object.entries({ issuer, jwksUri })) {
      if (address === undefined || profile !== 'production') continue
      const { protocol, hostname } = new URL(address)
      if (protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))) continue
      const what = 'its keys would cross the network unprotected, and whoever changes them can be anybody'
      error(['issuers', index, key], what, 'use https; the production profile refuses http beyond this machine')
    }
  }
  return findings
}
