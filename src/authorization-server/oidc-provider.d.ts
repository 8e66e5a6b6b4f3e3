// What of oidc-provider is used, typed by hand: the package has no types. Its modules are imported one by one, since its entry writes a
// warning about Node 20 to the console.

declare module 'oidc-provider/lib/provider.js' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, ServerResponse } from 'node:http'

  type Json = Readonly<Record<string, unknown>>

  export interface Client {
    readonly clientId: string
    readonly clientName?: string
    readonly clientUri?: string
    readonly clientAuthMethod: string
    readonly applicationType: string
    readonly dpopBoundAccessTokens?: boolean
    grantTypeAllowed(type: string): boolean
  }

  export interface Grant {
    readonly jti: string
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    getResourceScopeFiltered(resource: string, scopes: readonly string[]): string
    save(): Promise<string>
  }

  export interface Token {
    readonly kind: string
    readonly accountId?: string
    readonly clientId?: string
    readonly grantId?: string
    readonly jti: string
    readonly expiration: number
    readonly tokenType: string
    resourceServer?: object
    scope?: string
    gty?: string
    setThumbprint(kind: 'jkt', thumbprint: string): void
    save(): Promise<string>
  }

  export interface Context {
    readonly req: IncomingMessage
    readonly res: ServerResponse
    status: number
    type: string
    body: unknown
    set(name: string, value: string): void
    readonly oidc: {
      readonly issuer: string
      readonly route: string
      readonly client: Client
      readonly account?: { readonly accountId: string }
      readonly params: Readonly<Record<string, string | readonly string[] | undefined>>
      readonly result?: { readonly consent?: { readonly grantId?: string } }
      readonly entities: {
        readonly AccessToken?: Token
        readonly RefreshToken?: Token
        readonly AuthorizationCode?: Token
        readonly Client?: Client
        readonly Account?: { readonly accountId: string }
      }
      entity(name: string, value: unknown): void
    }
  }

  export interface InteractionDetails {
    readonly uid: string
    readonly prompt: { readonly name: string; readonly reasons: readonly string[]; readonly details: Json }
    readonly params: Readonly<Record<string, string | readonly string[] | undefined>>
    readonly session?: { readonly accountId: string }
  }

  export interface ResourceServerInfo {
    readonly scope: string
    readonly audience: string
    readonly accessTokenTTL: number
    readonly accessTokenFormat: 'jwt'
    readonly jwt: { readonly sign: { readonly alg: string; readonly kid: string } }
  }

  export class Provider extends EventEmitter {
    constructor(issuer: string, configuration: Json)
    /** Whether `X-Forwarded-*` are believed; only what this gateway wrote there itself reaches it. */
    proxy: boolean
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>
    interactionDetails(req: IncomingMessage, res: ServerResponse): Promise<InteractionDetails>
    interactionFinished(req: IncomingMessage, res: ServerResponse, result: Json, options?: Json): Promise<void>
    registerGrantType(
      name: string,
      handler: (ctx: Context) => Promise<void>,
      parameters: readonly string[],
      duplicates?: readonly string[],
    ): void
    readonly Client: { find(id: string): Promise<Client | undefined> }
    readonly Grant: {
      new (of: { accountId: string; clientId: string }): Grant
      find(id: string): Promise<Grant | undefined>
    }
    readonly AccessToken: new (of: {
      accountId: string
      client: Client
      grantId: string
      gty: string
    }) => Token
    readonly ResourceServer: new (
      identifier: string,
      info: ResourceServerInfo,
    ) => object
  }
}

declare module 'oidc-provider/lib/helpers/validate_dpop.js' {
  import type { Context, Provider } from 'oidc-provider/lib/provider.js'

  /** A proof of the request that was verified (RFC 9449 §4.3). */
  interface Proof {
    readonly thumbprint: string
    readonly jti: string
  }

  /** Undefined where the request has none. Rejects where it is not good, or lacks a nonce. */
  export default function validateDpop(provider: Provider, ctx: Context): Promise<Proof | undefined>
  /** Rejects where the client used it before. */
  export function checkDpopReplay(provider: Provider, ctx: Context, proof: Proof, clientId: string): Promise<void>
}

declare module 'oidc-provider/lib/helpers/errors.js' {
  type Failure = new (description?: string, detail?: string) => Error

  export class OIDCProviderError extends Error {
    readonly error: string
    readonly error_description?: string
    readonly error_detail?: string
    readonly status: number
  }
  export const InvalidClientMetadata: Failure
  export const InvalidGrant: new (detail: string) => Error
  export const InvalidScope: new (description: string, scope: string) => Error
  export const InvalidTarget: Failure
  export const SessionNotFound: Failure
  export const TemporarilyUnavailable: Failure
  export const UnauthorizedClient: Failure
}
