// What a person has allowed a client to do: per client, host that the answer goes to, and resource. A client that comes back by another host
// is asked for again.
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import { tenant } from './domain.ts'
import { valueIn } from './objects.ts'

export interface ConsentFor {
  readonly subject: string
  readonly clientId: string
  readonly redirectHost: string
  readonly resource: string
}

export interface Consents {
  /** Scopes that were allowed; undefined where nothing was. */
  find(of: ConsentFor): Promise<ReadonlySet<string> | undefined>
  /** Adds to what was allowed before. */
  give(of: ConsentFor, scopes: readonly string[]): Promise<void>
}

const at = 'tenant = ? AND subject = ? AND client_id = ? AND redirect_host = ? AND resource = ?'

export function createConsents(durable: Durable, clock: Clock): Consents {
  const keyOf = ({ subject, clientId, redirectHost, resource }: ConsentFor) => [tenant, subject, clientId, redirectHost, resource]
  const select = `SELECT scopes FROM authorization_consents WHERE ${at}`
  const scopesIn = (text: unknown): string[] => String(text ?? '').split(' ')
  return {
    find: async (of) => {
      const [row] = valueIn(await durable.read((reader) => reader.all(select, keyOf(of))))
      return row === undefined ? undefined : new Set(scopesIn(row.scopes))
    },
    give: async (of, scopes) => {
      valueIn(
        await durable.transact(async (transaction) => {
          const [row] = await transaction.all(select, keyOf(of))
          const all = new Set([...(row === undefined ? [] : scopesIn(row.scopes)), ...scopes])
          await transaction.run(
            `INSERT INTO authorization_consents (tenant, subject, client_id, redirect_host, resource, scopes, given_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, subject, client_id, redirect_host, resource)
             DO UPDATE SET scopes = excluded.scopes, given_ms = excluded.given_ms`,
            [...keyOf(of), [...all].join(' '), clock.now()],
          )
        }),
      )
    },
  }
}

/** What tells redirect addresses apart for people: the host, or the scheme where an app of the machine takes it. */
export function redirectHost(uri: string): string {
  const { protocol, host } = new URL(uri)
  // Any port of this machine is the same machine, whoever listens there.
  if (protocol === 'http:') return new URL(uri).hostname
  return protocol === 'https:' ? host : protocol
}
