// The tables of the authorization server. What opens something (codes, refresh tokens, sessions, client secrets) is encrypted, and found by the
// digest of its value only: whoever reads the store can use none of it.
import type { Domain } from '../core/ports/durable.ts'

export const authorizationDomain: Domain = {
  name: 'authorization',
  sealed: [
    { table: 'authorization_objects', column: 'payload', key: ['tenant', 'model', 'id_hash'] },
    { table: 'authorization_clients', column: 'metadata', key: ['tenant', 'client_id'] },
  ],
  migrations: [
    {
      what: 'the authorization server: what it issued, clients that registered, accounts, consents, links for the first sign-in',
      statements: [
        `CREATE TABLE authorization_objects (
           tenant TEXT NOT NULL, model TEXT NOT NULL, id_hash TEXT NOT NULL, grant_hash TEXT NOT NULL, uid_hash TEXT NOT NULL,
           payload BYTEA NOT NULL, expires_ms BIGINT NOT NULL, consumed_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, model, id_hash))`,
        'CREATE INDEX authorization_objects_grant ON authorization_objects (tenant, grant_hash)',
        'CREATE INDEX authorization_objects_expiry ON authorization_objects (expires_ms)',
        `CREATE TABLE authorization_clients (
           tenant TEXT NOT NULL, client_id TEXT NOT NULL, metadata BYTEA NOT NULL, registered_ms BIGINT NOT NULL, used_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, client_id))`,
        `CREATE TABLE authorization_accounts (
           tenant TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL, issuer TEXT NOT NULL,
           member_of TEXT NOT NULL, made_ms BIGINT NOT NULL, seen_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, subject))`,
        "CREATE UNIQUE INDEX authorization_accounts_name ON authorization_accounts (tenant, name) WHERE issuer = ''",
        `CREATE TABLE authorization_consents (
           tenant TEXT NOT NULL, subject TEXT NOT NULL, client_id TEXT NOT NULL, redirect_host TEXT NOT NULL, resource TEXT NOT NULL,
           scopes TEXT NOT NULL, given_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, subject, client_id, redirect_host, resource))`,
        `CREATE TABLE authorization_links (
           tenant TEXT NOT NULL, secret_hash TEXT NOT NULL, expires_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, secret_hash))`,
      ],
    },
  ],
}

/** Accounts and clients belong to the gateway's one tenant until a tenant has a server of its own. */
export { defaultTenant as tenant } from '../core/call/tenant-key.ts'
