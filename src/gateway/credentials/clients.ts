// Who the gateway is at an issuer: a client that an operator registered, the client that its own metadata document describes, or one that it
// registers by itself and remembers.
import { type CryptoKey, importJWK, importPKCS8 } from 'jose'
import type { ServerMetadata } from 'openid-client'
import type { Clock } from '../../core/ports/clock.ts'
import type { Domain, Durable } from '../../core/ports/durable.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import type { SigningKeys } from '../../core/ports/signing-keys.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { CredentialFailure } from './failure.ts'
import type { AssertionKey, ClientAuthMethod, ClientIdentity } from './token-endpoint.ts'

export const upstreamClientsDomain: Domain = {
  name: 'upstream_clients',
  sealed: [{ table: 'upstream_clients', column: 'client', key: ['tenant', 'server', 'issuer'] }],
  migrations: [
    {
      what: 'clients that the gateway registered at issuers',
      statements: [
        `CREATE TABLE upstream_clients (
           tenant TEXT NOT NULL, server TEXT NOT NULL, issuer TEXT NOT NULL, client BYTEA NOT NULL, expires_ms BIGINT,
           PRIMARY KEY (tenant, server, issuer))`,
      ],
    },
  ],
}

/** What the configuration says of a client. */
export interface ConfiguredClient {
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  readonly clientAuth?: ClientAuthMethod | undefined
  readonly key?: string | undefined
  readonly keyId?: string | undefined
  readonly algorithm?: string | undefined
  readonly assertionAudience: 'issuer' | 'tokenEndpoint'
}

export interface ClientParts {
  readonly durable: Durable
  readonly vault: Vault
  readonly clock: Clock
  readonly fetch: GuardedFetch
  readonly keys: SigningKeys
  readonly address: PublicAddress
}

/** Clients belong to the gateway, and not to a tenant of it. */
const owner = ''

export class Clients {
  private readonly parts: ClientParts

  constructor(parts: ClientParts) {
    this.parts = parts
  }

  configured(client: ConfiguredClient): ClientIdentity {
    return {
      clientId: client.clientId ?? '',
      secret: client.clientSecret,
      method: client.clientAuth,
      assertionAudience: client.assertionAudience,
      assertionKey: () => this.key(client),
    }
  }

  /** Rejects with `CredentialFailure` where there is no way to become one. */
  async at(
    server: string,
    metadata: ServerMetadata,
    client: ConfiguredClient & { readonly registration: readonly ('static' | 'cimd' | 'dcr')[] },
    scopes: readonly string[],
  ): Promise<ClientIdentity> {
    for (const way of client.registration) {
      if (way === 'static' && client.clientId !== undefined) return this.configured(client)
      if (way === 'cimd' && metadata.client_id_metadata_document_supported === true && this.documentUrl.startsWith('https:')) {
        return { ...this.configured({ ...client, clientAuth: 'none' }), clientId: this.documentUrl, secret: undefined }
      }
      if (way === 'dcr' && metadata.registration_endpoint !== undefined) return this.registered(server, metadata, client, scopes)
    }
    const tried = client.registration.join(', ')
    throw new CredentialFailure('refused', `${metadata.issuer} offers none of the ways to become its client (${tried}); set \`clientId\``)
  }

  /** The client as the issuer knows it, by the id that a grant was given to. */
  async known(server: string, issuer: string, client: ConfiguredClient, clientId: string): Promise<ClientIdentity> {
    if (clientId === client.clientId) return this.configured(client)
    if (clientId === this.documentUrl) return { ...this.configured({ ...client, clientAuth: 'none' }), clientId, secret: undefined }
    const kept = await this.kept(server, issuer)
    if (kept?.clientId !== clientId) throw new CredentialFailure('consent', 'the gateway is another client of the issuer now')
    const { uri: _, ...own } = kept
    return { ...this.configured(client), ...own }
  }

  get documentUrl(): string {
    return `${this.parts.address.url}/connect/client.json`
  }

  get redirectUrl(): string {
    return `${this.parts.address.url}/connect/callback`
  }

  /** Where a user comes back to who has shown who they are; no server's account is linked there. */
  get signInUrl(): string {
    return `${this.parts.address.url}/connect/signed-in`
  }

  /** The client metadata document (draft-ietf-oauth-client-id-metadata-document), also what is registered. */
  document(): Record<string, unknown> {
    return {
      client_id: this.documentUrl,
      client_name: 'Signalbox',
      client_uri: this.parts.address.url,
      redirect_uris: [this.redirectUrl, this.signInUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
    }
  }

  /** Public keys of the client, for issuers that verify its assertions. */
  async keySet(): Promise<{ readonly keys: readonly unknown[] }> {
    return { keys: await this.parts.keys.published('client') }
  }

  private async key(client: ConfiguredClient): Promise<AssertionKey> {
    const { key: text, keyId, algorithm } = client
    if (text === undefined) {
      const { privateJwk, kid, alg } = await this.parts.keys.current('client')
      return { key: (await importJWK(privateJwk, alg)) as CryptoKey, kid }
    }
    try {
      if (!text.trimStart().startsWith('{')) return { key: await importPKCS8(text, algorithm ?? 'ES256'), kid: keyId }
      const jwk = JSON.parse(text) as { readonly alg?: string; readonly kid?: string }
      return { key: (await importJWK(jwk, algorithm ?? jwk.alg ?? 'ES256')) as CryptoKey, kid: keyId ?? jwk.kid }
    } catch {
      throw new CredentialFailure('refused', '`key` is no private key in PKCS #8 (PEM) or as JWK of the algorithm')
    }
  }

  private async registered(
    server: string,
    metadata: ServerMetadata,
    client: ConfiguredClient,
    scopes: readonly string[],
  ): Promise<ClientIdentity> {
    const kept = await this.kept(server, metadata.issuer)
    // Registered for another address of the gateway, it could not come back.
    if (kept?.uri === this.redirectUrl) {
      const { uri: _, ...own } = kept
      return { ...this.configured(client), ...own }
    }
    const { client_id: _, client_uri: uri, ...own } = this.document()
    const methods = metadata.token_endpoint_auth_methods_supported
    const method = methods === undefined || methods.includes('client_secret_basic') ? 'client_secret_basic' : (methods[0] ?? 'none')
    // What is registered bounds what may be asked for later: a server that wants more of its users is not to need another client.
    const scope = scopes.length === 0 ? [] : [...new Set([...scopes, ...(metadata.scopes_supported ?? [])])]
    const body = {
      ...own,
      ...(String(uri).startsWith('https:') ? { client_uri: uri } : {}),
      application_type: String(uri).startsWith('https:') ? 'web' : 'native',
      token_endpoint_auth_method: method === 'none' || method === 'client_secret_post' ? method : 'client_secret_basic',
      ...(scope.length === 0 ? {} : { scope: scope.join(' ') }),
    }
    const answer = await this.register(metadata, body)
    const made = {
      clientId: answer.client_id,
      secret: answer.client_secret,
      method: methodOf(answer.token_endpoint_auth_method, answer.client_secret),
    }
    await this.keep(server, metadata.issuer, made, answer.client_secret_expires_at)
    return { ...this.configured(client), ...made }
  }

  private async register(metadata: ServerMetadata, body: Record<string, unknown>) {
    const host = new URL(metadata.issuer).host
    const refused = (why: string) => new CredentialFailure('refused', `${host} did not register the gateway as its client (${why})`)
    let answer: Response
    try {
      answer = await this.parts.fetch(metadata.registration_endpoint as string, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(body),
      })
    } catch {
      throw new CredentialFailure('unavailable', `the registration endpoint of ${host} cannot be reached`)
    }
    const made: unknown = await answer.json().catch(() => undefined)
    if (answer.status >= 400 || !isObject(made)) throw refused(`HTTP ${answer.status}`)
    const { client_id, client_secret, client_secret_expires_at, token_endpoint_auth_method } = made
    if (typeof client_id !== 'string' || client_id === '') throw refused('without an id')
    return {
      client_id,
      client_secret: typeof client_secret === 'string' ? client_secret : undefined,
      client_secret_expires_at: typeof client_secret_expires_at === 'number' ? client_secret_expires_at : 0,
      token_endpoint_auth_method: String(token_endpoint_auth_method ?? body.token_endpoint_auth_method),
    }
  }

  private place(server: string, issuer: string): VaultPlace {
    return ['upstream_clients', 'client', owner, server, issuer]
  }

  private async kept(server: string, issuer: string): Promise<(Kept & { readonly uri: string }) | undefined> {
    const sql = 'SELECT client, expires_ms FROM upstream_clients WHERE tenant = ? AND server = ? AND issuer = ?'
    const stored = await this.parts.durable.read((reader) => reader.all(sql, [owner, server, issuer]))
    const row = stored.ok ? stored.value[0] : undefined
    if (row === undefined || (row.expires_ms !== null && Number(row.expires_ms) <= this.parts.clock.now())) return undefined
    const opened = row.client instanceof Uint8Array ? this.parts.vault.open(row.client, this.place(server, issuer)) : undefined
    return opened === undefined ? undefined : (JSON.parse(Buffer.from(opened).toString('utf8')) as Kept & { readonly uri: string })
  }

  private async keep(server: string, issuer: string, made: Kept, expiresAt: number): Promise<void> {
    const text = JSON.stringify({ ...made, uri: this.redirectUrl })
    const sealed = this.parts.vault.seal(Buffer.from(text), this.place(server, issuer))
    const sql = `INSERT INTO upstream_clients (tenant, server, issuer, client, expires_ms) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (tenant, server, issuer) DO UPDATE SET client = excluded.client, expires_ms = excluded.expires_ms`
    const values = [owner, server, issuer, sealed, expiresAt > 0 ? expiresAt * 1_000 : null]
    await this.parts.durable.transact((transaction) => transaction.run(sql, values))
  }
}

interface Kept {
  readonly clientId: string
  readonly secret: string | undefined
  readonly method: ClientAuthMethod
}

function methodOf(named: string, secret: string | undefined): ClientAuthMethod {
  if (secret === undefined || named === 'none') return 'none'
  return named === 'client_secret_post' ? 'post' : 'basic'
}
