import type { IncomingMessage } from 'node:http'

export interface OAuthServerOptions {
  readonly port?: number
  /** Who is logged in without being asked. */
  readonly accountId?: string
  readonly scopes?: readonly string[]
  /** Lifetime of access tokens in seconds. */
  readonly ttlS?: number
  readonly format?: 'jwt' | 'opaque'
  /** Members of every access token beside its own. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly alg?: 'ES256' | 'RS256' | 'EdDSA'
  readonly clients?: readonly Readonly<Record<string, unknown>>[]
  readonly defaultResource?: string
  readonly features?: Readonly<Record<string, unknown>>
  readonly configuration?: Readonly<Record<string, unknown>>
  /** Status with which the request fails; asked for each. */
  readonly failing?: (req: IncomingMessage) => number | undefined
}

export interface OAuthServer {
  readonly issuer: string
  /** The provider itself, for what a test has to turn. */
  // biome-ignore lint/suspicious/noExplicitAny: the package has no types
  readonly provider: any
  /** `METHOD /path` of each request, in order. */
  readonly requests: string[]
  readonly privateJwk: Readonly<Record<string, unknown>>
  /** An access token of the test's client in its own name (client_credentials). */
  token(wanted: { readonly resource: string; readonly scope?: string; readonly headers?: Record<string, string> }): Promise<string>
  close(): Promise<void>
}

export const client: { readonly id: string; readonly secret: string }

/** Starts it and resolves once it answers. */
export function startOAuthServer(options?: OAuthServerOptions): Promise<OAuthServer>
