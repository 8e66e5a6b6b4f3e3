// What `auth.embedded` says that cannot be meant, or that a profile refuses.
import type { Settings } from '../../assembly/settings.ts'
import type { Finding, Path } from '../../platform/config/index.ts'
import { bareHost, isLoopback } from '../../platform/net/loopback.ts'

export function embeddedFindings({ auth, profile, publicUrl }: Settings): Finding[] {
  const { embedded, callers, issuers, introspection } = auth
  const findings: Finding[] = []
  const error = (path: Path, what: string, mend: string): void =>
    void findings.push({ severity: 'error', path: ['auth', 'embedded', ...path], what, mend })
  const served = embedded.enabled ?? (callers?.includes('oauth') === true && issuers.length + introspection.length === 0)
  if (embedded.enabled === true && callers !== undefined && !callers.includes('oauth')) {
    error(['enabled'], 'its tokens would never be taken, since `auth.callers` does not have `oauth`', 'add it there, or remove this')
  }
  if (!served) return findings
  const { oidc } = embedded.login
  if (oidc !== undefined && !oidc.scopes.includes('openid')) {
    error(['login', 'oidc', 'scopes'], 'do not have `openid`, without which nobody is vouched for', 'add it')
  }
  if (profile !== 'production') return findings
  if (publicUrl === undefined) {
    findings.push({
      severity: 'error',
      path: ['publicUrl'],
      what: 'is missing, and tokens of the embedded authorization server name it',
      mend: 'say under which address clients reach the gateway, for example https://mcp.example.com',
    })
  } else if (!isSafe(publicUrl)) {
    error(
      ['enabled'],
      'passwords would cross the network in clear text, since `publicUrl` is http',
      'use https, for example behind a proxy',
    )
  }
  const addresses: [Path, string | undefined][] = [
    [['login', 'oidc', 'issuer'], oidc?.issuer],
    ...embedded.idJag.flatMap(({ issuer, jwksUri }, index): [Path, string | undefined][] => [
      [['idJag', index, 'issuer'], issuer],
      [['idJag', index, 'jwksUri'], jwksUri],
    ]),
  ]
  for (const [path, address] of addresses) {
    if (address === undefined || isSafe(address)) continue
    const what = 'its keys would cross the network unprotected, and whoever changes them can be anybody'
    error(path, what, 'use https; the production profile refuses http beyond this machine')
  }
  return findings
}

function isSafe(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || isLoopback(bareHost(hostname))
}
