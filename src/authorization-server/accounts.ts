// Who may sign in: operators with a password of this gateway, and people whom an identity provider vouched for. There is no account, and so no
// password, before somebody follows the one-time link.
import { createHash, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Durable, Row } from '../core/ports/durable.ts'
import { tenant } from './domain.ts'
import { digest, valueIn } from './objects.ts'

export interface Account {
  /** `sub` of the tokens; never changes. */
  readonly subject: string
  /** For people. */
  readonly name: string
  readonly groups: readonly string[]
}

export interface Accounts {
  /** Secret of a link for the first operator; undefined where there is one already. */
  firstLink(): Promise<string | undefined>
  /** Secret of a link for one more operator, or for a new password of one that is there. */
  operatorLink(): Promise<string>
  /** Whether the secret of a link is still good. */
  linkIsGood(secret: string): Promise<boolean>
  /** Makes an operator, or gives one another password. False where the link is used or over, or was for the first and there is one. */
  setPassword(secret: string, name: string, password: string): Promise<boolean>
  /** Undefined where name or password is wrong; takes as long for a name that is not there. */
  signIn(name: string, password: string): Promise<Account | undefined>
  hasOperator(): Promise<boolean>
  find(subject: string): Promise<Account | undefined>
  /**
   * Somebody whom an issuer vouched for: the same account each time for the same issuer and subject, with the groups of now; those of before
   * where it says nothing of groups.
   */
  vouched(issuer: string, subjectThere: string, name: string, groups: readonly string[] | undefined): Promise<Account>
}

/** Groups of an operator that this gateway made itself. */
export const operatorGroups: readonly string[] = ['operators']

/** How long a link is good, in ms. */
const linkMs = 24 * 3_600_000

const cost = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const
const hashBytes = 32

/** Shortest password that is taken, in characters. */
export const shortestPassword = 12

export function createAccounts(durable: Durable, clock: Clock, random: Random): Accounts {
  /** Hashed for names that are not there, so that the time tells nothing. */
  const decoy = encode(random.bytes(16), Buffer.alloc(hashBytes))

  const byName = async (name: string): Promise<Row | undefined> => {
    const sql = "SELECT * FROM authorization_accounts WHERE tenant = ? AND issuer = '' AND name = ?"
    return valueIn(await durable.read((reader) => reader.all(sql, [tenant, name])))[0]
  }
  const operators = "SELECT COUNT(*) AS n FROM authorization_accounts WHERE tenant = ? AND issuer = ''"
  const countIn = (rows: readonly Row[]): number => Number(rows[0]?.n)
  const good = 'SELECT COUNT(*) AS n FROM authorization_links WHERE tenant = ? AND secret_hash = ? AND expires_ms > ?'

  const newSecret = (): string => Buffer.from(random.bytes(32)).toString('base64url')
  const keepLink = 'INSERT INTO authorization_links (tenant, secret_hash, expires_ms) VALUES (?, ?, ?)'
  const linkRow = (secret: string) => [tenant, digest(secret), clock.now() + linkMs]

  return {
    firstLink: async () => {
      const secret = newSecret()
      return valueIn(
        await durable.transact(async (transaction) => {
          if (countIn(await transaction.all(operators, [tenant])) > 0) return undefined
          await transaction.run(keepLink, linkRow(secret))
          return secret
        }),
      )
    },
    operatorLink: async () => {
      const secret = `${anyOperator}${newSecret()}`
      valueIn(await durable.transact((transaction) => transaction.run(keepLink, linkRow(secret))))
      return secret
    },
    linkIsGood: async (secret) =>
      countIn(valueIn(await durable.read((reader) => reader.all(good, [tenant, digest(secret), clock.now()])))) > 0,
    setPassword: async (secret, name, password) => {
      const salt = random.bytes(16)
      const hashed = encode(salt, await derive(password, salt))
      const now = clock.now()
      return valueIn(
        await durable.transact(async (transaction) => {
          if (!isForAnyOperator(secret) && countIn(await transaction.all(operators, [tenant])) > 0) return false
          if (countIn(await transaction.all(good, [tenant, digest(secret), now])) === 0) return false
          await transaction.run('DELETE FROM authorization_links WHERE tenant = ?', [tenant])
          const sql = "UPDATE authorization_accounts SET password = ?, seen_ms = ? WHERE tenant = ? AND issuer = '' AND name = ?"
          if ((await transaction.run(sql, [hashed, now, tenant, normalName(name)])) === 1) return true
          await transaction.run(insert, [tenant, random.id(), normalName(name), hashed, '', JSON.stringify(operatorGroups), now, now])
          return true
        }),
      )
    },
    signIn: async (name, password) => {
      const row = await byName(normalName(name))
      const matches = await verify(password, row === undefined ? decoy : String(row.password))
      return row !== undefined && matches ? accountOf(row) : undefined
    },
    hasOperator: async () => countIn(valueIn(await durable.read((reader) => reader.all(operators, [tenant])))) > 0,
    find: async (subject) => {
      const sql = 'SELECT * FROM authorization_accounts WHERE tenant = ? AND subject = ?'
      const [row] = valueIn(await durable.read((reader) => reader.all(sql, [tenant, subject])))
      return row === undefined ? undefined : accountOf(row)
    },
    vouched: async (issuer, subjectThere, name, groups) => {
      const subject = createHash('sha256')
        .update(JSON.stringify([issuer, subjectThere]))
        .digest('base64url')
      const now = clock.now()
      const sql = `${insert} ON CONFLICT (tenant, subject) DO UPDATE SET
        name = excluded.name, seen_ms = excluded.seen_ms${groups === undefined ? '' : ', member_of = excluded.member_of'} RETURNING *`
      const values = [tenant, subject, name, '', issuer, JSON.stringify(groups ?? []), now, now]
      const [row] = valueIn(await durable.transact((transaction) => transaction.all(sql, values)))
      return row === undefined ? { subject, name, groups: groups ?? [] } : accountOf(row)
    },
  }
}

/** Begins the secrets of links that do not need to be for the first. Part of what is digested, so it cannot be put before another. */
const anyOperator = 'any.'

export function isForAnyOperator(secret: string): boolean {
  return secret.startsWith(anyOperator)
}

const insert = `INSERT INTO authorization_accounts (tenant, subject, name, password, issuer, member_of, made_ms, seen_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

function normalName(name: string): string {
  return name.normalize('NFC').trim().toLowerCase()
}

function accountOf(row: Row): Account {
  const groups: unknown = JSON.parse(String(row.member_of))
  return { subject: String(row.subject), name: String(row.name), groups: Array.isArray(groups) ? groups.map(String) : [] }
}

function derive(password: string, salt: Uint8Array, options: ScryptOptions = cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, hashBytes, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

/** `scrypt$N$r$p$salt$hash`, so that a later cost does not lock anybody out. */
function encode(salt: Uint8Array, hash: Uint8Array): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  return ['scrypt', cost.N, cost.r, cost.p, text(salt), text(hash)].join('$')
}

async function verify(password: string, encoded: string): Promise<boolean> {
  const [scheme, n, r, p, salt = '', hash = ''] = encoded.split('$')
  if (scheme !== 'scrypt') return false
  const expected = Buffer.from(hash, 'base64url')
  const derived = await derive(password, Buffer.from(salt, 'base64url'), { ...cost, N: Number(n), r: Number(r), p: Number(p) })
  return derived.length === expected.length && timingSafeEqual(derived, expected)
}
