// Settings of the credential towards one server: what kind it is, and what it is got with. A leaf: it imports the schema library and nothing of ours.
import { z } from 'zod'

const text = z.string().min(1)
const secret = text
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'is no name of a header' })

/** One identity at an authorization server: who the gateway is there. */
const client = {
  issuer: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Issuer of the authorization server, exactly as its metadata says it. Default: the first that the metadata of the server names (RFC 9728).',
    ),
  clientId: text.optional().describe('Client that the gateway is at the issuer, where it was registered by hand.'),
  clientSecret: secret.optional().describe('Secret of the client, for example `${file:/run/secrets/client}`.'),
  clientAuth: z
    .enum(['basic', 'post', 'none', 'privateKeyJwt'])
    .optional()
    .describe('How the client shows who it is at the token endpoint. Default: what the metadata of the issuer allows.'),
  key: secret
    .optional()
    .describe(
      'Private key of the client for `privateKeyJwt` (PKCS #8 in PEM, or a JWK). Default: a key of the gateway, published at `{publicUrl}/connect/jwks.json`.',
    ),
  keyId: text.optional().describe('`kid` of `key`.'),
  algorithm: z
    .enum(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'])
    .optional()
    .describe('Algorithm of `key`. Default: that of a JWK that says it, else ES256.'),
  assertionAudience: z
    .enum(['issuer', 'tokenEndpoint'])
    .default('issuer')
    .describe('`aud` of the assertions that the client signs (RFC 7523): the issuer, or for older ones its token endpoint.'),
}

const kinds = [
  'none',
  'static',
  'clientCredentials',
  'privateKeyJwt',
  'authorizationCode',
  'tokenExchange',
  'idJag',
  'jwtBearer',
  'aws',
  'google',
  'azure',
] as const

const shape = {
  header: headerName
    .optional()
    .describe(
      'Header that carries the credential. Default: `Authorization`, with the scheme before it; another header has the bare value.',
    ),
  scheme: z
    .string()
    .regex(/^[A-Za-z0-9-]*$/, { error: 'is no authentication scheme' })
    .optional()
    .describe('What stands before the value in the header; empty: nothing. Default: `Bearer` in `Authorization`.'),
  secret: secret.optional().describe('static: the value itself, for example `${env:TRACKER_KEY}`.'),
  secretFile: text
    .optional()
    .describe(
      'static: file with the value, which is read anew when it changes. The value before it is still used where the server refuses the new one, so that a key is replaced without a failed call.',
    ),
  ...client,
  scopes: z
    .array(text)
    .optional()
    .describe(
      'Scopes to ask for. Default: those that the server names when it refuses, else those of its metadata. google, azure: those of the access token, for example `[api://tracker/.default]`.',
    ),
  resource: z.url().optional().describe('Resource indicator of the server (RFC 8707). Default: what its metadata names, else its address.'),
  audience: text
    .optional()
    .describe(
      'tokenExchange: `audience` to ask for beside the resource; also what the token has to be for. google: audience of an ID token in place of an access token, as Cloud Run takes it.',
    ),
  region: text.optional().describe('aws: region that requests are signed for, for example `eu-central-1`.'),
  service: text
    .optional()
    .describe('aws: service that requests are signed for, for example `lambda` for a function URL, `execute-api` or `bedrock-agentcore`.'),
  registration: z
    .array(z.enum(['static', 'cimd', 'dcr']))
    .min(1)
    .default(['static', 'cimd', 'dcr'])
    .describe(
      'authorizationCode: how the gateway may become a client of the issuer, in this order: `clientId`, its own client metadata document, dynamic registration (RFC 7591).',
    ),
  parameters: z
    .record(z.string(), z.string())
    .default({})
    .describe('authorizationCode: further parameters of the authorization request, for example `{access_type: offline, prompt: consent}`.'),
  identityProvider: z
    .strictObject({
      issuer: z.url({ protocol: /^https?$/ }).describe('Issuer that the callers sign in at: it gives the ID-JAG.'),
      clientId: text.describe('Client that the gateway is at the identity provider.'),
      clientSecret: secret.optional().describe('Its secret there.'),
    })
    .optional()
    .describe('idJag: where the token of the caller is exchanged for an assertion to `issuer`.'),
  assertion: secret.optional().describe('jwtBearer: the assertion itself (RFC 7523).'),
  assertionFile: text
    .optional()
    .describe('jwtBearer: file with the assertion, read each time, for example the token that Kubernetes projects for a workload.'),
  maxActors: z
    .number()
    .int()
    .nonnegative()
    .default(4)
    .describe('tokenExchange, idJag: most actors that may stand between the user and the gateway (`act`, RFC 8693); more are refused.'),
  dpop: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe(
      'Proofs of possession with every request (RFC 9449): `auto` where the server demands them, by its metadata (`dpop_bound_access_tokens_required`) or its challenge.',
    ),
  headers: z
    .record(headerName, z.string())
    .default({})
    .describe(
      'Headers that tell the server who calls: name to text, in which `{sub}`, `{iss}`, `{tenant}`, `{client}` and `{groups}` stand for what is known of the caller. Not sent with what the gateway asks by itself.',
    ),
  users: z
    .array(
      z.strictObject({
        sub: text.describe('`sub` of the caller.'),
        iss: text.optional().describe('`iss` of the caller. Default: any.'),
        secret: secret.describe('Value for this caller.'),
      }),
    )
    .default([])
    .describe('static: values of single callers, in place of `secret`.'),
}

const discovery = z
  .strictObject({
    type: z.enum(['none', 'static', 'clientCredentials', 'privateKeyJwt', 'jwtBearer', 'principal']),
    ...client,
    secret: shape.secret,
    secretFile: shape.secretFile,
    scopes: shape.scopes,
    assertion: shape.assertion,
    assertionFile: shape.assertionFile,
    iss: text.optional().describe('principal: `iss` of the user whose grant fills the catalogue.'),
    sub: text.optional().describe('principal: `sub` of that user.'),
  })
  .describe(
    'Credential for what the gateway asks by itself: catalogue, health. `principal` uses the grant of one user, for servers that know only users. Default: the credential of all, or none where each user has their own.',
  )

/** `connect`. */
export const connectSettings = z.strictObject({
  clients: z
    .array(
      z.strictObject({
        issuer: z.url({ protocol: /^https?$/ }).describe('Issuer that vouches for callers, exactly as its metadata says it.'),
        clientId: text.describe('Client that the gateway is there. Its redirect URI is `{publicUrl}/connect/signed-in`.'),
        clientSecret: secret.optional().describe('Its secret.'),
      }),
    )
    .default([])
    .describe(
      'Clients for the sign-in of users who link an account (`/connect/{id}`), where an issuer of callers takes neither client metadata documents nor dynamic registration.',
    ),
})

/** `servers.NAME.auth`. */
export const upstreamAuthSettings = z
  .strictObject({
    type: z
      .enum(kinds)
      .describe(
        'Kind of the credential: `none`; `static`, a value; `clientCredentials` and `privateKeyJwt`, the gateway as a client of OAuth; `authorizationCode`, a grant of each user; `tokenExchange` (RFC 8693) and `idJag`, the caller’s token for one of this server; `jwtBearer`, an assertion of the workload; `aws` (requests signed with SigV4), `google` and `azure`, the identity that the cloud gives to the gateway.',
      ),
    ...shape,
    discovery: discovery.optional(),
  })
  .superRefine((auth, context) => {
    for (const [key, problem] of lacks(auth)) context.addIssue({ code: 'custom', path: [key], message: problem })
  })
  .describe('Credential towards the server; `headers` of the server are sent beside it.')

export type UpstreamAuth = z.infer<typeof upstreamAuthSettings>
export type DiscoveryAuth = z.infer<typeof discovery>

type Lack = readonly [key: string, problem: string]

function lacks(auth: z.infer<z.ZodObject<typeof shape>> & { readonly type: (typeof kinds)[number] }): Lack[] {
  const found: Lack[] = []
  const need = (key: keyof typeof shape, there: boolean): void => {
    if (!there) found.push([key, `is needed for \`${auth.type}\``])
  }
  const given = new Set(Object.entries(auth).flatMap(([key, value]) => (isGiven(value) ? [key] : [])))
  for (const [key, kinds] of Object.entries(belongs)) {
    if (given.has(key) && !kinds.includes(auth.type)) found.push([key, `has no effect with \`${auth.type}\``])
  }
  for (const key of foreign[auth.type] ?? []) if (given.has(key)) found.push([key, `has no effect with \`${auth.type}\``])
  switch (auth.type) {
    case 'static':
      need('secret', auth.secret !== undefined || auth.secretFile !== undefined || auth.users.length > 0)
      break
    case 'clientCredentials':
      need('clientId', auth.clientId !== undefined)
      need('clientSecret', auth.clientSecret !== undefined)
      break
    case 'privateKeyJwt':
      need('clientId', auth.clientId !== undefined)
      break
    case 'tokenExchange':
      need('issuer', auth.issuer !== undefined)
      need('clientId', auth.clientId !== undefined)
      break
    case 'idJag':
      need('identityProvider', auth.identityProvider !== undefined)
      need('clientId', auth.clientId !== undefined)
      break
    case 'jwtBearer':
      need('assertionFile', auth.assertion !== undefined || auth.assertionFile !== undefined)
      break
    case 'aws':
      need('region', auth.region !== undefined)
      need('service', auth.service !== undefined)
      break
    case 'google':
      need('scopes', given.has('scopes') || auth.audience !== undefined)
      if (given.has('scopes') && auth.audience !== undefined) found.push(['audience', 'is for an ID token, which has no `scopes`'])
      break
    case 'azure':
      need('scopes', given.has('scopes'))
      break
  }
  return found
}

/** Keys that only some kinds know. */
const belongs: Readonly<Record<string, readonly string[]>> = {
  secret: ['static'],
  secretFile: ['static'],
  users: ['static'],
  parameters: ['authorizationCode'],
  identityProvider: ['idJag'],
  assertion: ['jwtBearer'],
  assertionFile: ['jwtBearer'],
  audience: ['tokenExchange', 'google'],
  region: ['aws'],
  service: ['aws'],
  discovery: ['authorizationCode', 'tokenExchange', 'idJag'],
}

const ofOAuth = ['issuer', 'clientId', 'clientSecret', 'clientAuth', 'key', 'keyId', 'algorithm', 'resource']

/** Keys that most kinds know, and these do not. */
const foreign: Readonly<Record<string, readonly string[]>> = {
  aws: [...ofOAuth, 'scopes', 'header', 'scheme'],
  google: ofOAuth,
  azure: ofOAuth,
}

/** Defaults of collections say nothing. */
function isGiven(value: unknown): boolean {
  if (value === undefined) return false
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0
}
