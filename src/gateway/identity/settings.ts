// Settings of who may call (`auth`, less the embedded authorization server, which has its own). A leaf.
import { z } from 'zod'
import { durationMs, durationPattern } from '../../core/text/duration.ts'

const duration = z
  .string()
  .regex(durationPattern, { error: 'is no duration: write for example 30s, 15m, 1h or 90d' })
  .transform((text) => durationMs(text) ?? 0)

const webAddress = z.url({ protocol: /^https?$/, error: 'is no address: write https://…' })

/** All of them asymmetric: a key that verifies must not be one that signs. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

const usualAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'] as const

const audienceSettings = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((one) => (typeof one === 'string' ? [one] : one))
  .optional()
  .describe(
    'Audiences that are taken beside the address that is called (`publicUrl` and the path), for issuers that do not know resource indicators. Such tokens are good for every mount.',
  )

const claimPath = z.string().min(1)

const claimSettings = z.strictObject({
  groups: claimPath
    .default('groups')
    .describe('Claim that names the groups: its name, or a path with dots (`realm_access.roles`). Names with dots are tried whole first.'),
  scopes: claimPath.optional().describe('Claim that names the scopes. Default: `scope`, else `scp`; text with spaces or a list.'),
  tenant: claimPath
    .optional()
    .describe('Claim that names the tenant; a token without it is refused. Default: all callers of the issuer belong to one tenant.'),
  run: claimPath
    .optional()
    .describe(
      'Claim that names the run (the task of an agent) which the token was issued for. What the client states of its run counts only where the token names none.',
    ),
  team: claimPath.optional().describe('Claim that names the team whose cost the calls are. Default: what the rule of `access` says.'),
})

export const issuerSettings = z.strictObject({
  issuer: webAddress.describe('Identifier of the issuer, exactly as it stands in `iss` of its tokens.'),
  jwksUri: webAddress.optional().describe('Address of its keys. Default: what its metadata name (RFC 8414, OpenID Connect Discovery).'),
  audience: audienceSettings,
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default([...usualAlgorithms])
    .describe('Signature algorithms that are taken.'),
  claims: claimSettings.prefault({}).describe('Where its tokens say what.'),
  requireTyp: z
    .boolean()
    .default(true)
    .describe(
      'Take tokens with `typ: at+jwt` and the claims of RFC 9068 alone. Off for issuers that write `JWT` (Keycloak, Entra ID, Auth0, Okta); ID tokens are refused all the same.',
    ),
  dpop: z
    .enum(['optional', 'required'])
    .default('optional')
    .describe('Whether its tokens have to be bound to a key of the client (RFC 9449). Bound ones are always checked.'),
})

const introspectionSettings = z.strictObject({
  issuer: webAddress.describe('Identifier of the issuer whose tokens these are.'),
  endpoint: webAddress.describe('Address of its introspection endpoint (RFC 7662).'),
  client: z
    .strictObject({
      id: z.string().min(1).describe('Name under which the gateway asks.'),
      secret: z.string().min(1).describe('Its secret, for example `${env:INTROSPECTION_SECRET}`.'),
    })
    .describe('Client of the issuer that may ask.'),
  audience: audienceSettings,
  claims: claimSettings.prefault({}).describe('Where the answers say what.'),
  prefix: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Opaque tokens that begin so are of this issuer. Of several issuers all but one need it, so that no token is shown to another.',
    ),
})

const exchangeSettings = z.strictObject({
  issuer: z
    .string()
    .regex(/^(https?|spiffe):\/\/[^\s]+$/, { error: 'is no issuer: write https://… or spiffe://TRUST-DOMAIN' })
    .describe('Issuer of workload tokens, as it stands in `iss`: a Kubernetes cluster, or a trust domain (`spiffe://example.org`).'),
  jwksUri: webAddress.optional().describe('Address of its keys. A trust domain needs it; default: what its metadata name.'),
  audience: audienceSettings,
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default([...usualAlgorithms])
    .describe('Signature algorithms that are taken.'),
  claims: claimSettings.omit({ scopes: true }).prefault({}).describe('Where its tokens say what.'),
  scopes: z
    .array(z.string().min(1))
    .default([])
    .describe('Scopes that its workloads may get. A workload that asks for none gets all of these.'),
})

const platformSettings = z.strictObject({
  ttl: duration
    .refine((ms) => ms > 0 && ms <= 3_600_000, { error: 'is not between 1s and 1h' })
    .prefault('5m')
    .describe('Lifetime of platform tokens.'),
  exchange: z
    .array(exchangeSettings)
    .default([])
    .describe('Issuers whose workload tokens (JWT) are exchanged for platform tokens at `/oauth/platform/token` (RFC 7523).'),
})

const apiKeySettings = z.strictObject({
  lifetime: duration
    .refine((ms) => ms > 0, { error: 'is not above 0' })
    .prefault('90d')
    .describe('Lifetime of keys that `signalbox keys create` makes, unless it says another.'),
})

const headerName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: 'is no name of a header: letters, digits and -' })

const addressRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6(), z.literal('unix')], {
  error: 'is no address or range: write for example 10.0.0.0/8, or unix',
})

const signedHeaderSettings = z.strictObject({
  header: headerName.describe('Header that holds the JWT, for example `Cf-Access-Jwt-Assertion`.'),
  issuer: webAddress.describe('`iss` of it.'),
  jwksUri: webAddress.optional().describe('Address of its keys. Default: what the metadata of the issuer name.'),
  audience: z.array(z.string().min(1)).min(1).describe('`aud` of it: the name that the gateway in front has for this one.'),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default([...usualAlgorithms])
    .describe('Signature algorithms that are taken.'),
  claims: claimSettings
    .extend({ subject: claimPath.default('sub').describe('Claim that names the caller.') })
    .prefault({})
    .describe('Where it says what.'),
})

const proofSettings = z
  .strictObject({
    from: z
      .array(addressRange)
      .min(1)
      .describe(
        'Addresses of the gateway in front: of the connection itself, never from a header. `unix`: whoever comes by the socket that `listen` names.',
      ),
    sharedSecret: z
      .string()
      .min(16, { error: 'is shorter than 16 characters' })
      .optional()
      .describe('What it sends as `Signalbox-Proof`, for example `${file:/run/secrets/proof}`.'),
    mtlsSan: z.string().min(1).optional().describe('A name of its certificate (needs `tls.clientCa`).'),
    jwt: signedHeaderSettings.optional().describe('A header that it signs, from which caller, groups and scopes are taken then.'),
  })
  .refine(({ sharedSecret, mtlsSan, jwt }) => [sharedSecret, mtlsSan, jwt].filter((one) => one !== undefined).length === 1, {
    error: 'needs one of `sharedSecret`, `mtlsSan` and `jwt`: addresses alone prove nothing',
  })

const trustedHeaderSettings = z
  .strictObject({
    subject: headerName.optional().describe('Header that names the caller, for example `X-User`.'),
    groups: headerName.optional().describe('Header that names its groups, with commas between.'),
    scopes: headerName.optional().describe('Header that names its scopes, with spaces between.'),
    tenant: headerName.optional().describe('Header that names its tenant. Default: all belong to one.'),
    token: z
      .strictObject({
        header: headerName.describe('Header that holds it, for example `X-Id-Token`.'),
        type: z.enum(['id_token', 'access_token', 'jwt']).default('id_token').describe('What it is (RFC 8693 §3).'),
      })
      .optional()
      .describe(
        'Token of the caller that it hands on, for servers whose `auth` exchanges it (`tokenExchange`, `idJag`). It says nothing of who calls: the issuer that it is shown to checks it.',
      ),
    proof: proofSettings.describe('By what the gateway in front is known. Without it these headers are as if they were not there.'),
  })
  .refine(({ subject, proof }) => subject !== undefined || proof.jwt !== undefined, {
    error: 'names no header for the caller',
    path: ['subject'],
  })
  .refine(({ groups, scopes, tenant, token, proof }) => proof.jwt === undefined || (groups ?? scopes ?? tenant ?? token) === undefined, {
    error: 'what is signed is in `proof.jwt.claims`; other headers are not signed',
    path: ['proof', 'jwt'],
  })

const callerMethods = ['oauth', 'platform', 'trustedHeader', 'apiKey', 'anonymous'] as const

export const callerSettings = z.strictObject({
  callers: z
    .array(z.enum(callerMethods))
    .min(1)
    .optional()
    .describe(
      'How callers show who they are: `oauth` (access tokens), `platform` (short-lived tokens of `signalbox token mint` and of exchanges), `trustedHeader` (a gateway in front has identified them), `apiKey` (keys of `signalbox keys create`), `anonymous` (dev profile, callers on this machine). Default: what the rest of `auth` sets up, less `apiKey` in the production profile; nothing set up is `anonymous` in the dev profile.',
    ),
  issuers: z.array(issuerSettings).default([]).describe('Authorization servers whose access tokens (JWT, RFC 9068) are taken.'),
  introspection: z
    .array(introspectionSettings)
    .refine((all) => all.filter(({ prefix }) => prefix === undefined).length <= 1, {
      error: 'more than one entry has no `prefix`: nobody could tell whose an opaque token is',
    })
    .default([])
    .describe('Authorization servers that are asked about tokens which say nothing by themselves (RFC 7662).'),
  platform: platformSettings.optional().describe('Short-lived tokens that the gateway signs itself.'),
  trustedHeader: trustedHeaderSettings.optional().describe('Callers whom a gateway in front has identified.'),
  apiKeys: apiKeySettings.optional().describe('Keys for programs that know no OAuth. Stored hashed.'),
  dpop: z
    .strictObject({
      requireNonce: z
        .boolean()
        .default(false)
        .describe(
          'Whether proofs of callers need a nonce of the gateway, at its servers and at the token endpoint of its authorization server (RFC 9449 §8, §9): a proof that was made beforehand is then worth nothing.',
        ),
    })
    .prefault({})
    .describe('Proofs of callers whose tokens are bound to a key.'),
  maxTokenLifetime: duration
    .prefault('1h')
    .describe('Longest lifetime of an access token. Longer ones are refused in the production profile.'),
})

export type IssuerSettings = z.infer<typeof issuerSettings>
export type CallerSettings = z.infer<typeof callerSettings>
/** Where `scopes` is left out, `scope` and `scp` say them. */
export type ClaimSettings = z.infer<typeof claimSettings>
export type IntrospectionSettings = z.infer<typeof introspectionSettings>
export type ExchangeSettings = z.infer<typeof exchangeSettings>
export type TrustedHeaderSettings = z.infer<typeof trustedHeaderSettings>
