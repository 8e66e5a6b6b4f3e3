// Where a database is and who comes to it: `postgres://user:password@host:port/db?sslmode=…`, as PostgreSQL's own programs write it.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
import { bareHost, isLoopback } from '../../net/loopback.ts'

export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

export interface PostgresAddress {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** Never written anywhere. */
  readonly password: string
  readonly sslMode: SslMode
  /** File with the certificates of who may vouch for the server; absent: those that Node.js knows. */
  readonly sslRootCert: string | undefined
}

export const isPostgresUrl = (text: string): boolean => /^postgres(ql)?:\/\//.test(text)

const example = 'write postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full'

/** A text says what is wrong with it and how to mend it; it holds nothing of the address but names of parameters. */
export function parsePostgresUrl(text: string): PostgresAddress | string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return `is no address of a database; ${example}, with special characters of user and password as %…`
  }
  if (!isPostgresUrl(text)) return `names no PostgreSQL; ${example}`
  const parts = [url.username, url.password, url.pathname.slice(1), url.hostname].map(decoded)
  const [user, password, database, host] = parts
  if (user === undefined || password === undefined || database === undefined || host === undefined) {
    return 'has a % that stands for no character; write a % of user or password as %25'
  }
  if (parts.some((part) => part?.includes('\0'))) return 'has a NUL'
  if (host === '') return `names no host; ${example}`
  if (host.includes(',') || host.includes('/')) return 'names several hosts or a socket file; name one host'
  if (user === '') return `names no user; ${example}`
  if (database === '' || database.includes('/')) return `names no database; ${example}`
  if (url.hash !== '') return 'has a #; write one of user or password as %23'
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'sslmode' && key !== 'sslrootcert')
  if (unknown !== undefined) return `has the parameter ${JSON.stringify(unknown)}; known are sslmode and sslrootcert`
  const written = url.searchParams.get('sslmode')
  const sslRootCert = url.searchParams.get('sslrootcert') ?? undefined
  const sslMode = written === null ? defaultMode(host) : sslModes.find((mode) => mode === written)
  if (sslMode === undefined) return `has an unknown sslmode; known are ${sslModes.join(', ')}`
  if (sslRootCert === '') return 'has an empty sslrootcert; name a file with certificates, or leave it out'
  if (sslRootCert !== undefined && sslMode === 'disable') return 'has an sslrootcert though its sslmode is disable; leave one of them out'
  const port = url.port === '' ? 5432 : Number(url.port)
  if (port === 0) return 'names port 0'
  return { host: bareHost(host), port, database, user, password, sslMode, sslRootCert }
}

/** For people: where, and neither who nor how. */
export function shownAddress({ host, port, database }: PostgresAddress): string {
  return `postgres://${host.includes(':') ? `[${host}]` : host}:${port}/${database}`
}

/** Every form in which the password could be written. */
export function passwordsIn(text: string): string[] {
  const address = parsePostgresUrl(text)
  if (typeof address === 'string' || address.password === '') return []
  const url = new URL(text)
  return [...new Set([address.password, url.password, text.slice(text.indexOf('://') + 3, text.lastIndexOf('@')).replace(/^[^:]*:/, '')])]
}

/** Over a network the server shows who it is; on this machine there is nobody between. */
function defaultMode(host: string): SslMode {
  return isLoopback(bareHost(host)) ? 'disable' : 'verify-full'
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
