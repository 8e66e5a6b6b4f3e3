// Grants as operators see them: whose they are, at which server, until when. No token is opened for it.
import type { Cell, Durable, Stored } from '../../core/ports/durable.ts'

export interface ListedGrant {
  readonly server: string
  readonly tenant: string
  /** '' for a grant of the gateway itself. */
  readonly iss: string
  readonly sub: string
  readonly issuer: string
  readonly status: string
  readonly scopes: string
  /** Milliseconds since the epoch at which the access token ends; null where nobody says. */
  readonly expiresMs: number | null
  readonly reason: string | null
  readonly updatedMs: number
}

export interface GrantFilter {
  readonly server?: string | undefined
  /** The subject, whoever vouches for it. */
  readonly principal?: string | undefined
}

export function listGrants(durable: Durable, filter: GrantFilter): Promise<Stored<readonly ListedGrant[]>> {
  const { where, params } = condition(filter)
  const sql = `SELECT server, tenant, iss, sub, issuer, status, scopes, expires_ms, reason, updated_ms FROM upstream_grants${where} ORDER BY server, tenant, iss, sub`
  return durable.read(async (reader) =>
    (await reader.all(sql, params)).map((row) => ({
      server: String(row.server),
      tenant: String(row.tenant),
      iss: String(row.iss),
      sub: String(row.sub),
      issuer: String(row.issuer),
      status: String(row.status),
      scopes: String(row.scopes),
      expiresMs: row.expires_ms === null ? null : Number(row.expires_ms),
      reason: row.reason === null ? null : String(row.reason),
      updatedMs: Number(row.updated_ms),
    })),
  )
}

export function condition({ server, principal }: GrantFilter): { readonly where: string; readonly params: Cell[] } {
  const parts = [...(server === undefined ? [] : ['server = ?']), ...(principal === undefined ? [] : ['sub = ?'])]
  const params = [server, principal].filter((value) => value !== undefined)
  return { where: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, params }
}
