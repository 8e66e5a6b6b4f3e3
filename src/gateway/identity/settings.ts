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

const claimPath = z.string().min(1)

const claimSettings = z.strictObject({
  groups: claimPath
    .default('groups')
    .describe('Claim that names the groups: its name, or a path with dots (`realm_access.roles`). Names with dots are tried whole first.'),
  scopes: claimPath.optional().describe('Claim that names the scopes. Default: `scope`, else `scp`; text with spaces or a list.'),
  tenant: claimPath
    .optional()
    .describe('Claim that names the tenant; a token without it is refused. Default: all callers of the issuer belong to one tenant.'),
})

export const issuerSettings = z.strictObject({
  issuer: webAddress.describe('Identifier of the issuer, exactly as it stands in `iss` of its tokens.'),
  jwksUri: webAddress.optional().describe('Address of its keys. Default: what its metadata name (RFC 8414, OpenID Connect Discovery).'),
  audience: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((one) => (typeof one === 'string' ? [one] : one))
    .optional()
    .describe(
      'Audiences that are taken beside the address that is called (`publicUrl` and the path), for issuers that do not know resource indicators. Such tokens are good for every mount.',
    ),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])
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

const callerMethods = ['oauth', 'anonymous'] as const

export const callerSettings = z.strictObject({
  callers: z
    .array(z.enum(callerMethods))
    .min(1)
    .optional()
    .describe(
      'How callers show who they are: `oauth` (access tokens), `anonymous` (dev profile, callers on this machine). Default: what the rest of `auth` sets up; nothing set up is `anonymous` in the dev profile.',
    ),
  issuers: z.array(issuerSettings).default([]).describe('Authorization servers whose access tokens (JWT, RFC 9068) are taken.'),
  maxTokenLifetime: duration
    .prefault('1h')
    .describe('Longest lifetime of an access token. Longer ones are refused in the production profile.'),
})

export type IssuerSettings = z.infer<typeof issuerSettings>
export type CallerSettings = z.infer<typeof callerSettings>
export type ClaimSettings = z.infer<typeof claimSettings>
