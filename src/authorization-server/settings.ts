// Settings of the gateway's own authorization server. A leaf: it imports the schema library and nothing of ours.
import { z } from 'zod'

const issuer = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !/[?#]/.test(text), { error: 'has a query or fragment; an issuer has none' })

const claim = z.string().min(1)

const oidcLogin = z.strictObject({
  issuer: issuer.describe('The OpenID provider, for example https://idp.example/realms/team. Its metadata is fetched from there.'),
  clientId: z.string().min(1).describe('Client that is registered there. Its redirect URI is `{publicUrl}/oauth/login/callback`.'),
  clientSecret: z
    .string()
    .min(1)
    .optional()
    .describe('Secret of the client, for example `${file:/run/secrets/idp}`. Absent: a public client.'),
  scopes: z.array(z.string().min(1)).default(['openid', 'profile']).describe('Scopes that are asked for; `openid` is needed.'),
  groups: claim
    .default('groups')
    .describe('Claim of the ID token that lists the groups of a person: its name, or a path of names with dots (`realm_access.roles`).'),
})

const trustedIssuer = z.strictObject({
  issuer: issuer.describe('`iss` of its assertions.'),
  jwksUri: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where its keys are. Default: what its metadata says.'),
  groups: claim.default('groups').describe('Claim of the assertion that lists the groups of a person, as at `login.oidc`.'),
})

export const embeddedSettings = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .describe('Whether it is served. Default: where `auth.callers` has `oauth` and no other issuer is configured.'),
  login: z
    .strictObject({ oidc: oidcLogin.optional().describe('People sign in at this OpenID provider.') })
    .prefault({})
    .describe('How people sign in. Without `oidc` by a password, which the first of them sets by the one-time link of the first start.'),
  dynamicRegistration: z
    .boolean()
    .default(true)
    .describe('Whether clients may register by themselves (RFC 7591). Those that name a metadata document need no registration.'),
  idJag: z
    .array(trustedIssuer)
    .default([])
    .describe(
      'Identity providers whose identity assertions (ID-JAG) are exchanged for access tokens without a sign-in here: enterprise-managed authorization.',
    ),
})

export type EmbeddedSettings = z.infer<typeof embeddedSettings>
