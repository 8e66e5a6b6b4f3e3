// Enterprise-managed authorization: an identity provider of the organization has decided what a client may do for a person, and says so in an
// identity assertion (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant). It is exchanged for an access token without a sign-in here.
import { type JWTPayload, errors as joseErrors } from 'jose'
import type { Context, Provider } from 'oidc-provider/lib/provider.js'
import type { Clock } from '../core/ports/clock.ts'
import type { Issuers } from '../core/ports/issuers.ts'
import type { SigningKey } from '../core/ports/signing-keys.ts'
import { isObject } from '../core/protocol/is-object.ts'
import type { Accounts } from './accounts.ts'
import { listAt } from './claims.ts'
import type { Library } from './library.ts'
import type { AuthorizationObjects } from './objects.ts'
import { jwtBearer, newGrant, resourceServer } from './provider.ts'
import { baseScope, type Resources } from './resources.ts'
import type { EmbeddedSettings } from './settings.ts'

type TrustedIssuer = EmbeddedSettings['idJag'][number]

export interface AssertionParts {
  readonly trusted: readonly TrustedIssuer[]
  readonly issuers: Issuers
  readonly clock: Clock
  readonly objects: AuthorizationObjects
  readonly accounts: Accounts
  readonly resources: Resources
}

export interface Assertions {
  /** Adds the grant type to a provider. */
  register(provider: Provider, library: Library, issuer: string, key: SigningKey): void
}

/** The longest that an assertion may be good for, in seconds. */
const longestSeconds = 600
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']

interface Verified {
  readonly issuer: TrustedIssuer
  readonly claims: JWTPayload & { readonly sub: string; readonly jti: string; readonly exp: number }
}

/** Why an assertion is not taken; for the audit, since clients are told `invalid_grant` alone. */
class Refused extends Error {
  override readonly name = 'Refused'
}

export function createAssertions(parts: AssertionParts): Assertions {
  const { trusted, issuers, clock, objects, accounts, resources } = parts

  const verified = async (assertion: string, audience: string, clientId: string): Promise<Verified> => {
    const claimed = claimedIssuer(assertion)
    const issuer = trusted.find((one) => one.issuer === claimed)
    if (issuer === undefined) throw new Refused('the issuer of the assertion is not trusted')
    const { payload: claims } = await issuers.keys(issuer.issuer, issuer.jwksUri).verify(assertion, {
      issuer: issuer.issuer,
      audience,
      typ: 'oauth-id-jag+jwt',
      algorithms,
      requiredClaims: ['sub', 'jti', 'exp', 'iat', 'client_id'],
      maxTokenAge: longestSeconds,
      currentDate: new Date(clock.now()),
    })
    if (Array.isArray(claims.aud) && claims.aud.length > 1) throw new Refused('the assertion is for several audiences')
    if (claims.client_id !== clientId) throw new Refused('the assertion is for another client')
    const { sub, jti, exp } = claims
    if (typeof sub !== 'string' || sub === '' || typeof jti !== 'string' || exp === undefined)
      throw new Refused('the assertion names nobody')
    return { issuer, claims: { ...claims, sub, jti, exp } }
  }

  /** The assertion decides, and the request may only narrow it. */
  const wanted = (
    claims: JWTPayload,
    params: Context['oidc']['params'],
  ): { readonly resource: string; readonly scopes: readonly string[] } => {
    const named = typeof claims.resource === 'string' ? claims.resource : params.resource
    const resource = named === undefined ? resources.fallback : typeof named === 'string' ? resources.canonical(named) : undefined
    if (resource === undefined) throw new Refused('the resource of the assertion is none of this gateway')
    if (typeof params.resource === 'string' && resources.canonical(params.resource) !== resource) {
      throw new Refused('the request names another resource than the assertion')
    }
    const asked = typeof params.scope === 'string' ? new Set(params.scope.split(' ')) : undefined
    const allowed = typeof claims.scope === 'string' ? claims.scope.split(' ') : []
    const known = resources.scopes(resource)
    return {
      resource,
      scopes: [...new Set([baseScope, ...allowed.filter((scope) => known.includes(scope) && (asked?.has(scope) ?? true))])],
    }
  }

  return {
    register: (provider, library, audience, key) => {
      provider.registerGrantType(
        jwtBearer,
        async (ctx) => {
          const { client, params } = ctx.oidc
          if (client.clientAuthMethod === 'none')
            throw new library.errors.UnauthorizedClient('identity assertions are for clients that authenticate')
          if (typeof params.assertion !== 'string') throw new library.errors.InvalidGrant('there is no assertion')
          // Before the assertion is used up: a client that needs a nonce comes again with the same one.
          const proof = await library.dpop.default(provider, ctx)
          if (proof === undefined && client.dpopBoundAccessTokens === true)
            throw new library.errors.InvalidGrant('DPoP proof JWT not provided')
          if (proof !== undefined) await library.dpop.checkDpopReplay(provider, ctx, proof, client.clientId)
          let found: Verified
          let target: ReturnType<typeof wanted>
          try {
            found = await verified(params.assertion, audience, client.clientId)
            target = wanted(found.claims, params)
          } catch (error) {
            if (error instanceof Refused || error instanceof joseErrors.JOSEError)
              throw new library.errors.InvalidGrant(`assertion: ${error.message}`)
            throw new library.errors.TemporarilyUnavailable('the keys of the issuer of the assertion cannot be had')
          }
          const { issuer, claims } = found
          // Until nobody would take it any more, even a clock that goes late.
          const goodMs = claims.exp * 1000 - clock.now() + 60_000
          if (!(await objects.add('Assertion', JSON.stringify([issuer.issuer, claims.jti]), {}, goodMs))) {
            throw new library.errors.InvalidGrant('assertion: it was used before')
          }
          const name = [claims.preferred_username, claims.email, claims.name].find((one) => typeof one === 'string')
          const account = await accounts.vouched(
            issuer.issuer,
            claims.sub,
            typeof name === 'string' ? name : claims.sub,
            listAt(claims, issuer.groups),
          )
          const grant = await newGrant(provider, account.subject, client.clientId, target.resource, target.scopes)
          const token = new provider.AccessToken({ accountId: account.subject, client, grantId: grant.jti, gty: 'id_jag' })
          token.resourceServer = new provider.ResourceServer(target.resource, resourceServer(target.resource, resources, key))
          token.scope = target.scopes.join(' ')
          if (proof !== undefined) token.setThumbprint('jkt', proof.thumbprint)
          ctx.oidc.entity('Account', { accountId: account.subject })
          ctx.oidc.entity('AccessToken', token)
          ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType, scope: token.scope }
        },
        ['assertion', 'scope', 'resource'],
      )
    },
  }
}

/** Read before it is verified, only to know whose keys to ask. */
function claimedIssuer(assertion: string): unknown {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
    return isObject(claims) ? claims.iss : undefined
  } catch {
    return undefined
  }
}
