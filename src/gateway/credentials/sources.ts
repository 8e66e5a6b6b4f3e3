// Where tokens come from, a function for each kind of `servers.NAME.auth`: how it asks an issuer, and what it holds the answer against.
import { decodeJwt } from 'jose'
import type { Principal } from '../../core/call/principal.ts'
import { subjectTokenOf } from '../../core/call/subject-token.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Clients, ConfiguredClient } from './clients.ts'
import type { Discovery } from './discovery.ts'
import { CredentialFailure } from './failure.ts'
import type { Grant, GrantChange } from './grants.ts'
import type { TokenSource } from './keeper.ts'
import type { UpstreamAuth } from './settings.ts'
import type { Target, Targets } from './target.ts'
import { type ClientIdentity, type Parameters, TokenEndpoint } from './token-endpoint.ts'
import type { TokenSet } from './token-set.ts'

export interface SourceParts {
  readonly server: string
  readonly discovery: Discovery
  readonly clients: Clients
  readonly fetch: GuardedFetch
  readonly clock: Clock
  /** A file, as text; rejects where it cannot be read. */
  readText(file: string): Promise<string>
  /** A grant is used no more, which its issuer does not know. */
  abandoned(grant: Grant, because: string): void
}

const grantType = {
  clientCredentials: 'client_credentials',
  jwtBearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const

const idJagType = 'urn:ietf:params:oauth:token-type:id-jag'

type ServiceAuth = ConfiguredClient & Pick<UpstreamAuth, 'assertion' | 'assertionFile'>

/** The gateway in its own name: client_credentials (RFC 6749 §4.4), or an assertion of its workload (RFC 7523 §2.1). */
export function serviceSource(
  parts: SourceParts,
  kind: 'clientCredentials' | 'privateKeyJwt' | 'jwtBearer',
  auth: ServiceAuth,
  targets: Targets,
): TokenSource {
  const clientAuth = kind === 'privateKeyJwt' ? 'privateKeyJwt' : auth.clientAuth
  return {
    next: async () => {
      const target = await targets.find()
      const endpoint = await endpointAt(
        parts,
        target.issuer,
        parts.clients.configured({ ...auth, clientAuth, clientId: auth.clientId ?? anonymousClient }),
      )
      if (kind !== 'jwtBearer') return changed(await endpoint.grant(grantType.clientCredentials, ask(target), target.bind), auth, target)
      const assertion = auth.assertion ?? (await readAssertion(parts, auth.assertionFile ?? ''))
      return changed(await endpoint.grant(grantType.jwtBearer, { assertion, ...ask(target) }, target.bind), auth, target)
    },
  }
}

/** `client_id` of a request that the assertion alone vouches for. */
const anonymousClient = 'signalbox'

async function readAssertion(parts: SourceParts, file: string): Promise<string> {
  try {
    return (await parts.readText(file)).trim()
  } catch {
    throw new CredentialFailure('unavailable', '`assertionFile` cannot be read')
  }
}

/** A user's grant: its refresh token goes to the issuer that gave it, as the client that it was given to, and nowhere else. */
export function refreshSource(parts: SourceParts, auth: UpstreamAuth, targets: Targets): TokenSource {
  return {
    next: async (grant) => {
      // A server that went to another issuer takes nothing of the one before.
      const target = await targets.find().catch(() => undefined)
      if (grant !== undefined && target !== undefined && target.issuer !== grant.key.issuer) {
        const because = 'the server takes tokens of another issuer now'
        parts.abandoned(grant, because)
        throw new CredentialFailure('consent', because)
      }
      if (grant?.token?.refresh === undefined)
        throw new CredentialFailure('consent', 'the access token has ended, and the issuer gave nothing to renew it with')
      const { key, token, clientId } = grant
      const identity = await parts.clients.known(parts.server, key.issuer, auth, clientId)
      const endpoint = await endpointAt(parts, key.issuer, identity)
      const next = await endpoint.refresh(token, { resource: key.resource })
      return { token: next, clientId, scopes: grant.scopes }
    },
  }
}

/** The caller's token for one of this server's (RFC 8693): it goes to the configured issuer alone, and what comes back has to be for this server. */
export function exchangeSource(parts: SourceParts, auth: UpstreamAuth, targets: Targets, caller: () => Principal): TokenSource {
  return {
    next: async () => {
      const subject = subjectOf(caller(), auth.maxActors)
      const target = await targets.find()
      const endpoint = await endpointAt(parts, target.issuer, parts.clients.configured(auth))
      const { audience } = auth
      const parameters = {
        subject_token: subject.value,
        subject_token_type: subject.type,
        requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        ...(audience === undefined ? {} : { audience }),
        ...ask(target),
      }
      const token = await endpoint.grant(grantType.tokenExchange, parameters, target.bind)
      meantFor(token, subject.value, [target.resource, ...(audience === undefined ? [] : [audience])], auth.maxActors)
      return changed(token, auth, target)
    },
  }
}

/** Enterprise-managed authorization: the identity provider exchanges the caller's token for an ID-JAG, which the server's issuer takes as a grant. */
export function idJagSource(parts: SourceParts, auth: UpstreamAuth, targets: Targets, caller: () => Principal): TokenSource {
  return {
    next: async () => {
      const subject = subjectOf(caller(), auth.maxActors)
      const { identityProvider } = auth
      if (identityProvider === undefined) throw new CredentialFailure('refused', '`identityProvider` is missing')
      const target = await targets.find()
      const provider = await endpointAt(
        parts,
        identityProvider.issuer,
        parts.clients.configured({ ...identityProvider, assertionAudience: 'issuer' }),
      )
      const assertion = await provider.grant(grantType.tokenExchange, {
        subject_token: subject.value,
        subject_token_type: subject.type,
        requested_token_type: idJagType,
        audience: target.issuer,
        ...ask(target),
      })
      if (assertion.access === subject.value) throw passedThrough()
      const endpoint = await endpointAt(parts, target.issuer, parts.clients.configured(auth))
      const token = await endpoint.grant(grantType.jwtBearer, { assertion: assertion.access, ...ask(target) }, target.bind)
      meantFor(token, subject.value, [target.resource], auth.maxActors)
      return changed(token, auth, target)
    },
  }
}

function ask({ resource, scopes }: Target): Parameters {
  return { resource, ...(scopes === undefined || scopes.length === 0 ? {} : { scope: scopes.join(' ') }) }
}

function changed(token: TokenSet, { clientId }: { readonly clientId?: string | undefined }, { scopes }: Target): GrantChange {
  return { token, clientId: clientId ?? '', scopes: scopes ?? [] }
}

export async function endpointAt(parts: SourceParts, issuer: string, identity: ClientIdentity): Promise<TokenEndpoint> {
  return new TokenEndpoint({ metadata: await parts.discovery.issuer(issuer), identity, fetch: parts.fetch, clock: parts.clock })
}

function subjectOf(principal: Principal, maxActors: number) {
  const subject = subjectTokenOf(principal)
  if (subject === undefined) throw new CredentialFailure('refused', 'the caller came with no token that could be exchanged')
  const { length } = principal.actors
  if (length > maxActors)
    throw new CredentialFailure('refused', `${length} actors stand between the user and this gateway, and at most ${maxActors} may`)
  return subject
}

function passedThrough(): CredentialFailure {
  return new CredentialFailure('refused', "the issuer gave the caller's own token back, which is passed on to nobody")
}

/** An opaque token cannot be read: its server has to judge it. */
function meantFor(token: TokenSet, subject: string, accepted: readonly string[], maxActors: number): void {
  if (token.access === subject) throw passedThrough()
  const claims = claimsOf(token.access)
  if (claims === undefined) return
  const audiences = [claims.aud ?? []].flat()
  if (audiences.length > 0 && !audiences.some((one) => accepted.includes(String(one)))) {
    throw new CredentialFailure('refused', 'the issuer gave a token for another audience')
  }
  let depth = 0
  for (let at: unknown = claims.act; typeof at === 'object' && at !== null; at = (at as { act?: unknown }).act) depth += 1
  if (depth > maxActors)
    throw new CredentialFailure('refused', `the issuer gave a token with ${depth} actors, and at most ${maxActors} may stand in it`)
}

export function claimsOf(token: string): ReturnType<typeof decodeJwt> | undefined {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}

/** Who acts by a token, the nearest first, for the audit. */
export function actorsIn(token: string): readonly string[] {
  const actors: string[] = []
  for (
    let at: unknown = claimsOf(token)?.act;
    typeof at === 'object' && at !== null && actors.length < 16;
    at = (at as { act?: unknown }).act
  ) {
    const { sub } = at as { readonly sub?: unknown }
    if (typeof sub === 'string') actors.push(sub)
  }
  return actors
}

export type { Grant }
