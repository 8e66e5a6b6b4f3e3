// What operators see of the embedded authorization server and can take back: which clients there are, what people have allowed them, and until
// when. No token and no secret of a client is among it.
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Vault } from '../core/ports/vault.ts'
import { createClients } from './clients.ts'
import { tenant } from './domain.ts'
import { createObjects, type Payload, valueIn } from './objects.ts'

export interface ListedConsent {
  readonly subject: string
  /** Of its account; '' where that is gone. */
  readonly name: string
  readonly clientId: string
  /** Where answers to the client go. */
  readonly redirectHost: string
  readonly resource: string
  readonly scopes: string
  readonly givenMs: number
}

export interface ListedClient {
  readonly clientId: string
  /** `registered`: by RFC 7591, here. `document`: by its metadata document, which is its id; it is known by what people allowed it. */
  readonly kind: 'registered' | 'document'
  /** What it calls itself; undefined of a document, which is its own business. */
  readonly name: string | undefined
  readonly redirectUris: readonly string[]
  /** Undefined of a document. */
  readonly registeredMs: number | undefined
  /** It got its last token; undefined where it never did, or nobody remembers. */
  readonly usedMs: number | undefined
  /** People who have allowed it something. */
  readonly people: number
}

export interface ConsentFilter {
  /** Subject or name of the account. */
  readonly principal?: string | undefined
  readonly client?: string | undefined
}

export interface Ended {
  readonly consents: readonly ListedConsent[]
  /** Grants that had refresh tokens or codes, and have none any more. */
  readonly grants: number
}

/** Each of them rejects with `StoreUnavailable`. */
export interface Oversight {
  consents(filter: ConsentFilter): Promise<readonly ListedConsent[]>
  /** Forgets consents and ends all grants that were made by them: a client that comes back has to ask its person again. */
  revoke(filter: ConsentFilter): Promise<Ended>
  clients(): Promise<readonly ListedClient[]>
  /** Forgets the client, and revokes all that it was allowed. `found`: there was one of the id. */
  remove(clientId: string): Promise<Ended & { readonly found: boolean }>
}

const mostClients = Number.MAX_SAFE_INTEGER

export function createOversight(durable: Durable, vault: Vault, clock: Clock): Oversight {
  const objects = createObjects(durable, vault, clock)
  const registered = createClients(durable, vault, clock, mostClients)

  const consents = async ({ principal, client }: ConsentFilter): Promise<readonly ListedConsent[]> => {
    const sql = `SELECT c.subject, COALESCE(a.name, '') AS name, c.client_id, c.redirect_host, c.resource, c.scopes, c.given_ms
      FROM authorization_consents c LEFT JOIN authorization_accounts a ON a.tenant = c.tenant AND a.subject = c.subject
      WHERE c.tenant = ? ORDER BY name, c.subject, c.client_id, c.redirect_host, c.resource`
    const rows = valueIn(await durable.read((reader) => reader.all(sql, [tenant])))
    return rows
      .map((row) => ({
        subject: String(row.subject),
        name: String(row.name),
        clientId: String(row.client_id),
        redirectHost: String(row.redirect_host),
        resource: String(row.resource),
        scopes: String(row.scopes),
        givenMs: Number(row.given_ms),
      }))
      .filter(
        (one) =>
          (principal === undefined || one.subject === principal || one.name === principal) && (client ?? one.clientId) === one.clientId,
      )
  }

  const revoke = async (filter: ConsentFilter): Promise<Ended> => {
    const over = await consents(filter)
    // A grant without a consent is one of an identity assertion, or of a consent that was forgotten.
    const subjects = new Set([...over.map(({ subject }) => subject), ...(await subjectsOf(durable, filter))])
    const sql = 'DELETE FROM authorization_consents WHERE tenant = ? AND subject = ? AND client_id = ?'
    for (const { subject, clientId } of over) {
      valueIn(await durable.transact((transaction) => transaction.run(sql, [tenant, subject, clientId])))
    }
    let grants = 0
    for (const { jti, accountId, clientId } of await objects.all('Grant')) {
      if (typeof jti !== 'string' || (filter.client ?? clientId) !== clientId) continue
      if (filter.principal !== undefined && !subjects.has(String(accountId))) continue
      await objects.removeOfGrant(jti)
      await objects.remove('Grant', jti)
      grants += 1
    }
    return { consents: over, grants }
  }

  return {
    consents,
    revoke,
    clients: async () => {
      const people = new Map<string, Set<string>>()
      for (const { clientId, subject } of await consents({})) people.set(clientId, (people.get(clientId) ?? new Set()).add(subject))
      const issued = lastIssued(await objects.all('RefreshToken'))
      const own = await registered.all()
      const known = new Set(own.map(({ clientId }) => clientId))
      return [
        ...own.map(({ clientId, metadata, registeredMs, usedMs }) => ({
          clientId,
          kind: 'registered' as const,
          name: typeof metadata?.client_name === 'string' ? metadata.client_name : undefined,
          redirectUris: Array.isArray(metadata?.redirect_uris) ? metadata.redirect_uris.map(String) : [],
          registeredMs,
          usedMs: usedMs === 0 ? undefined : usedMs,
          people: people.get(clientId)?.size ?? 0,
        })),
        ...[...people]
          .filter(([clientId]) => !known.has(clientId))
          .map(([clientId, { size }]) => ({
            clientId,
            kind: 'document' as const,
            name: undefined,
            redirectUris: [],
            registeredMs: undefined,
            usedMs: issued.get(clientId),
            people: size,
          })),
      ]
    },
    remove: async (clientId) => {
      const ended = await revoke({ client: clientId })
      const found = (await registered.find(clientId)) !== undefined || ended.consents.length + ended.grants > 0
      await registered.remove(clientId)
      return { ...ended, found }
    },
  }
}

/** Accounts that the filter names, whether they have allowed anything or not. */
async function subjectsOf(durable: Durable, { principal }: ConsentFilter): Promise<readonly string[]> {
  if (principal === undefined) return []
  const sql = 'SELECT subject FROM authorization_accounts WHERE tenant = ? AND (subject = ? OR name = ?)'
  const rows = valueIn(await durable.read((reader) => reader.all(sql, [tenant, principal, principal])))
  return [principal, ...rows.map(({ subject }) => String(subject))]
}

/** When each client got its last refresh token, in ms since the epoch. */
function lastIssued(tokens: readonly Payload[]): ReadonlyMap<string, number> {
  const issued = new Map<string, number>()
  for (const { clientId, iat } of tokens) {
    if (typeof clientId !== 'string' || typeof iat !== 'number') continue
    issued.set(clientId, Math.max(issued.get(clientId) ?? 0, iat * 1_000))
  }
  return issued
}
