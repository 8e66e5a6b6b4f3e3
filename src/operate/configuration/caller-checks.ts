// What `auth` says that cannot be meant, or that a profile refuses.
import type { Settings } from '../../assembly/settings.ts'
import { callerMethods } from '../../gateway/identity/index.ts'
import type { Finding, Path } from '../../platform/config/index.ts'
import { bareHost, isLoopback } from '../../platform/net/loopback.ts'

export function callerFindings({ auth, profile, servers, admin }: Settings): Finding[] {
  const findings: Finding[] = []
  const error = (path: Path, what: string, mend: string): void =>
    void findings.push({ severity: 'error', path: ['auth', ...path], what, mend })
  const { callers } = auth
  if (callers?.includes('oauth') === true && auth.issuers.length + auth.introspection.length === 0 && auth.embedded.enabled === false) {
    const mend = 'name one under `auth.issuers` or `auth.introspection`, or leave `auth.embedded` on'
    error(['callers'], '`oauth` has no issuer whose tokens could be taken', mend)
  }
  for (const [key, method] of Object.entries(methodOf) as [keyof typeof methodOf, (typeof methodOf)[keyof typeof methodOf]][]) {
    const set = auth[key]
    if (callers === undefined || callers.includes(method) || set === undefined || (Array.isArray(set) && set.length === 0)) continue
    error([key], `has no effect, since \`auth.callers\` does not have \`${method}\``, 'add it there, or remove this')
  }
  if (profile === 'production' && callers?.includes('apiKey') === true) {
    const what = '`apiKey`: keys live long and whoever finds one can use it'
    findings.push({ severity: 'warning', path: ['auth', 'callers'], what, mend: 'use tokens that end soon where the caller can' })
  }
  for (const [index, entry] of (auth.platform?.exchange ?? []).entries()) {
    if (!entry.issuer.startsWith('spiffe://') || entry.jwksUri !== undefined) continue
    error(
      ['platform', 'exchange', index, 'jwksUri'],
      'is missing; a trust domain has no metadata that name it',
      'give the address of its bundle',
    )
  }
  const methods = callerMethods(auth, profile, auth.embedded.enabled === true)
  if (admin.roles.length > 0 && methods.every((method) => method === 'anonymous')) {
    const mend = 'say under `auth` how callers show who they are, or remove the roles'
    findings.push({ severity: 'error', path: ['admin', 'roles'], what: 'have no effect, since no caller is asked who they are', mend })
  }
  if (callers?.includes('anonymous') === true && profile === 'production') {
    error(['callers'], '`anonymous` is for development', 'remove it; the production profile lets nobody in unknown')
  }
  if (callers?.includes('trustedHeader') === true && auth.trustedHeader === undefined) {
    error(['callers'], '`trustedHeader` has no `auth.trustedHeader` that says which', 'add it')
  }
  const named = new Set(identityHeaders(auth))
  for (const [server, { forwardHeaders }] of Object.entries(servers)) {
    for (const header of Object.keys(forwardHeaders)) {
      if (!named.has(header.toLowerCase())) continue
      const what = 'says who a caller is where a gateway in front sends it, and anything at all where somebody else does'
      findings.push({ severity: 'error', path: ['servers', server, 'forwardHeaders', header], what, mend: 'forward another header' })
    }
  }
  const seen = new Set<string>()
  for (const [index, { issuer }] of auth.issuers.entries()) {
    if (seen.has(issuer)) error(['issuers', index, 'issuer'], 'stands twice', 'say all of an issuer in one entry')
    seen.add(issuer)
  }
  for (const [path, address] of profile === 'production' ? asked(auth) : []) {
    const { protocol, hostname } = new URL(address)
    if (protocol !== 'http:' || isLoopback(bareHost(hostname))) continue
    const what = 'what it says would cross the network unprotected, and whoever changes it can be anybody'
    error(path, what, 'use https; the production profile refuses http beyond this machine')
  }
  return findings
}

/** The caller method without which a key of `auth` has no effect. */
const methodOf = {
  issuers: 'oauth',
  introspection: 'oauth',
  platform: 'platform',
  trustedHeader: 'trustedHeader',
  apiKeys: 'apiKey',
} as const

/** In lower case. */
function identityHeaders({ trustedHeader }: Settings['auth']): readonly string[] {
  if (trustedHeader === undefined) return []
  const { subject, groups, scopes, tenant, proof } = trustedHeader
  return [subject, groups, scopes, tenant, proof.jwt?.header, 'signalbox-proof'].flatMap((name) => name?.toLowerCase() ?? [])
}

/** Addresses whose answers decide who somebody is. */
function asked({ issuers, introspection, platform, trustedHeader }: Settings['auth']): [Path, string][] {
  const found: [Path, string | undefined][] = []
  for (const [index, { issuer, jwksUri }] of issuers.entries()) {
    found.push([['issuers', index, 'issuer'], issuer], [['issuers', index, 'jwksUri'], jwksUri])
  }
  for (const [index, { issuer, jwksUri }] of (platform?.exchange ?? []).entries()) {
    found.push([['platform', 'exchange', index, 'issuer'], issuer], [['platform', 'exchange', index, 'jwksUri'], jwksUri])
  }
  const signed = trustedHeader?.proof.jwt
  found.push([['trustedHeader', 'proof', 'jwt', 'jwksUri'], signed?.jwksUri ?? signed?.issuer])
  for (const [index, { endpoint }] of introspection.entries()) found.push([['introspection', index, 'endpoint'], endpoint])
  return found.filter((one): one is [Path, string] => one[1] !== undefined)
}
