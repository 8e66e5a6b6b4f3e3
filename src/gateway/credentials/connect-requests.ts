// Requests of users to link an account: from the link that an agent hands on to the redirect that brings the issuer's answer. A link works
// once, for ten minutes, for the one user that it was made for; of each step the store keeps a hash, so that whoever reads it can use none.
import { createHash } from 'node:crypto'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Domain, Durable, Row, Stored } from '../../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'
import { CredentialFailure } from './failure.ts'

export const connectDomain: Domain = {
  name: 'connect',
  sealed: [{ table: 'connect_requests', column: 'begun', key: ['tenant', 'id_hash'] }],
  migrations: [
    {
      what: 'requests to link an account at a server',
      statements: [
        `CREATE TABLE connect_requests (
           tenant TEXT NOT NULL, id_hash TEXT NOT NULL, server TEXT NOT NULL, iss TEXT NOT NULL, sub TEXT NOT NULL, scopes TEXT NOT NULL,
           state_hash TEXT, begun BYTEA, expires_ms BIGINT NOT NULL, used_ms BIGINT,
           PRIMARY KEY (tenant, id_hash))`,
        'CREATE INDEX connect_requests_state ON connect_requests (state_hash)',
      ],
    },
  ],
}

export interface ConnectRequest {
  readonly tenant: string
  readonly idHash: string
  readonly server: string
  readonly iss: string
  readonly sub: string
  /** Asked for beside those of the configuration. */
  readonly scopes: readonly string[]
}

/** What was recorded before the browser went to the issuer. */
export interface Begun {
  readonly issuer: string
  readonly resource: string
  readonly clientId: string
  readonly verifier: string
  readonly state: string
  readonly scopes: readonly string[]
  readonly bind: boolean
  /** Of the browser that approved. */
  readonly browserHash: string
}

const livesMs = 600_000

export class ConnectRequests {
  private readonly durable: Durable
  private readonly vault: Vault
  private readonly clock: Clock
  private readonly random: Random

  constructor(parts: { readonly durable: Durable; readonly vault: Vault; readonly clock: Clock; readonly random: Random }) {
    this.durable = parts.durable
    this.vault = parts.vault
    this.clock = parts.clock
    this.random = parts.random
  }

  /** The id of a new one. */
  async create(of: Omit<ConnectRequest, 'idHash'>): Promise<string> {
    const id = Buffer.from(this.random.bytes(32)).toString('base64url')
    const now = this.clock.now()
    const insert = 'INSERT INTO connect_requests (tenant, id_hash, server, iss, sub, scopes, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?)'
    const values = [of.tenant, hashOf(id), of.server, of.iss, of.sub, of.scopes.join(' '), now + livesMs]
    had(
      await this.durable.transact(async (transaction) => {
        await transaction.run('DELETE FROM connect_requests WHERE tenant = ? AND expires_ms < ?', [of.tenant, now])
        await transaction.run(insert, values)
      }),
    )
    return id
  }

  /** Undefined where it is unknown, over or used. */
  async find(id: string): Promise<ConnectRequest | undefined> {
    const [row] = had(await this.durable.read((reader) => reader.all('SELECT * FROM connect_requests WHERE id_hash = ?', [hashOf(id)])))
    return row === undefined || !this.isOpen(row) ? undefined : requestOf(row)
  }

  /** The user has approved: from now on the link leads nowhere. False where it was used meanwhile. */
  async begin(request: ConnectRequest, begun: Begun): Promise<boolean> {
    const sealed = this.vault.seal(Buffer.from(JSON.stringify(begun)), place(request))
    const now = this.clock.now()
    const sql =
      'UPDATE connect_requests SET state_hash = ?, begun = ?, used_ms = ? WHERE tenant = ? AND id_hash = ? AND used_ms IS NULL AND expires_ms > ?'
    const values = [hashOf(begun.state), sealed, now, request.tenant, request.idHash, now]
    return had(await this.durable.transact((transaction) => transaction.run(sql, values))) === 1
  }

  /** What was begun with this state, once. */
  async take(state: string): Promise<{ readonly request: ConnectRequest; readonly begun: Begun } | undefined> {
    const hash = hashOf(state)
    const [row] = had(
      await this.durable.transact(async (transaction) => {
        const rows = await transaction.all('SELECT * FROM connect_requests WHERE state_hash = ?', [hash])
        await transaction.run('DELETE FROM connect_requests WHERE state_hash = ?', [hash])
        return rows
      }),
    )
    if (row === undefined || Number(row.expires_ms) <= this.clock.now() || !(row.begun instanceof Uint8Array)) return undefined
    const request = requestOf(row)
    const opened = this.vault.open(row.begun, place(request))
    return opened === undefined ? undefined : { request, begun: JSON.parse(Buffer.from(opened).toString('utf8')) as Begun }
  }

  private isOpen(row: Row): boolean {
    return row.used_ms === null && Number(row.expires_ms) > this.clock.now()
  }
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

function place({ tenant, idHash }: ConnectRequest): VaultPlace {
  return ['connect_requests', 'begun', tenant, idHash]
}

function requestOf(row: Row): ConnectRequest {
  return {
    tenant: String(row.tenant),
    idHash: String(row.id_hash),
    server: String(row.server),
    iss: String(row.iss),
    sub: String(row.sub),
    scopes: String(row.scopes).split(' ').filter(Boolean),
  }
}

function had<T>(stored: Stored<T>): T {
  if (!stored.ok) throw new CredentialFailure('unavailable', `the store cannot be used: ${stored.fault.message}`)
  return stored.value
}
