// Every configuration that was in force, in the durable store: when, by whom, what it said without secrets, and its text as it was written, sealed,
// since it may have secrets in it. The table, and the one file that knows it.

import { defaultTenant } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Domain, Durable, Row, Stored } from '../../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'

export const revisionsDomain: Domain = {
  name: 'config_revisions',
  migrations: [
    {
      what: 'configurations that were in force',
      statements: [
        `CREATE TABLE config_revisions (
           tenant TEXT NOT NULL, revision TEXT NOT NULL, at_ms BIGINT NOT NULL, author TEXT NOT NULL, digest TEXT NOT NULL,
           shown TEXT NOT NULL, source BYTEA NOT NULL, PRIMARY KEY (tenant, revision))`,
      ],
    },
  ],
  sealed: [{ table: 'config_revisions', column: 'source', key: ['tenant', 'revision'] }],
}

export interface Revision {
  /** From 1. */
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** Whoever put it into force: `start`, `file`, `SIGHUP`, or the name of an operator. */
  readonly author: string
  readonly digest: string
}

export interface RevisionToKeep {
  readonly author: string
  readonly digest: string
  /** JSON without secrets. */
  readonly shown: string
  /** As it was written. */
  readonly text: string
}

/** Kept of all gateways that share the store, the latest. */
export const mostRevisions = 200

/** One configuration serves all. */
const tenant = defaultTenant
const columns = 'revision, at_ms, author, digest'

export class Revisions {
  private readonly durable: Durable
  private readonly vault: Vault
  private readonly clock: Clock

  constructor(durable: Durable, vault: Vault, clock: Clock) {
    this.durable = durable
    this.vault = vault
    this.clock = clock
  }

  /** The number of the revision: a new one, unless the latest is the same configuration, as after a restart or at another gateway. */
  keep({ author, digest, shown, text }: RevisionToKeep): Promise<Stored<Revision>> {
    return this.durable.transact(async (transaction) => {
      const [latest] = (
        await transaction.all(`SELECT ${columns} FROM config_revisions WHERE tenant = ? ORDER BY revision DESC LIMIT 1`, [tenant])
      ).map(revisionOf)
      if (latest?.digest === digest) return latest
      const revision = { number: (latest?.number ?? 0) + 1, atMs: this.clock.now(), author, digest }
      const sealed = this.vault.seal(Buffer.from(text), placeOf(revision.number))
      await transaction.run(
        'INSERT INTO config_revisions (tenant, revision, at_ms, author, digest, shown, source) VALUES (?, ?, ?, ?, ?, ?, ?)',
        [tenant, keyOf(revision.number), revision.atMs, author, digest, shown, sealed],
      )
      await transaction.run('DELETE FROM config_revisions WHERE tenant = ? AND revision <= ?', [
        tenant,
        keyOf(Math.max(0, revision.number - mostRevisions)),
      ])
      return revision
    })
  }

  /** The latest first; `before`: those with a lower number. */
  list(most: number, before: number | undefined): Promise<Stored<readonly Revision[]>> {
    const last = before === undefined ? 'a' : keyOf(before)
    return this.durable.read(async (reader) =>
      (
        await reader.all(`SELECT ${columns} FROM config_revisions WHERE tenant = ? AND revision < ? ORDER BY revision DESC LIMIT ?`, [
          tenant,
          last,
          most,
        ])
      ).map(revisionOf),
    )
  }

  /** With what it said, JSON without secrets; undefined where there is no such, or no longer. */
  find(number: number): Promise<Stored<(Revision & { readonly shown: string }) | undefined>> {
    return this.durable.read(async (reader) => {
      const [row] = await reader.all(`SELECT ${columns}, shown FROM config_revisions WHERE tenant = ? AND revision = ?`, [
        tenant,
        keyOf(number),
      ])
      return row === undefined ? undefined : { ...revisionOf(row), shown: String(row.shown) }
    })
  }

  /** As it was written; undefined where there is no such, or its key is not here. */
  text(number: number): Promise<Stored<string | undefined>> {
    return this.durable.read(async (reader) => {
      const [row] = await reader.all('SELECT source FROM config_revisions WHERE tenant = ? AND revision = ?', [tenant, keyOf(number)])
      const plain = row?.source instanceof Uint8Array ? this.vault.open(row.source, placeOf(number)) : undefined
      return plain === undefined ? undefined : Buffer.from(plain).toString('utf8')
    })
  }
}

/** Text that is ordered as its number is. */
function keyOf(number: number): string {
  return String(number).padStart(12, '0')
}

function placeOf(number: number): VaultPlace {
  return ['config_revisions', 'source', tenant, keyOf(number)]
}

function revisionOf(row: Row): Revision {
  return { number: Number(row.revision), atMs: Number(row.at_ms), author: String(row.author), digest: String(row.digest) }
}
