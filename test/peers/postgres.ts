// PostgreSQL of the system (Debian: postgresql). Where there is none, what needs it is skipped and says so.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Closers } from './admitting.ts'
import { freePort } from './free-port.ts'
import { eventually } from './processes.ts'

/** Folder with `initdb` and `postgres`; undefined where this machine has none. `POSTGRES_BIN` names another. */
export const postgresPath = [process.env.POSTGRES_BIN, ...packaged(), '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'].find(
  (path) => path !== undefined && existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')),
)
if (postgresPath === undefined) process.stdout.write('No PostgreSQL (Debian: postgresql): tests of the store on it are skipped.\n')

export interface PostgresServer {
  readonly port: number
  readonly user: string
  readonly password: string
  /** Makes an empty database: its address. */
  database(): Promise<string>
  /** By the superuser of the server, in one of its databases. */
  query(url: string, sql: string): Promise<readonly Record<string, unknown>[]>
  /** Ends all connections of others to a database. */
  terminate(url: string): Promise<number>
  /** At once, as the power goes. */
  kill(): Promise<void>
  /** Waits for nobody, keeps all. */
  stop(): Promise<void>
  /** Again at the same address, with what it has kept. */
  restart(): Promise<void>
}

export interface PostgresWishes {
  readonly settings?: Readonly<Record<string, string>>
  /** Certificate and key, PEM. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

const user = 'signalbox'
/** With what an address has to escape. */
const password = 'p@ss/word#1%'

/** On a port and in a folder of its own, on this machine only. */
export async function startPostgres(closers: Closers, { settings = {}, tls }: PostgresWishes = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-postgres-'))
  const data = join(folder, 'data')
  const port = await freePort()
  const owner = unprivileged()
  const own = (path: string): void => (owner.uid === undefined ? undefined : chownSync(path, owner.uid, owner.gid ?? owner.uid))
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    own(path)
    return path
  }
  own(folder)
  const pwfile = write('password', password)
  const bin = postgresPath ?? ''
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', user, `--pwfile=${pwfile}`, '--auth=scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    { stdio: 'pipe', cwd: folder, ...owner },
  )
  const set = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    ...(tls === undefined ? {} : { ssl: 'on', ssl_cert_file: write('server.pem', tls.cert), ssl_key_file: write('server.key', tls.key) }),
    ...settings,
  }
  let child: ChildProcess | undefined
  const urlOf = (name: string): string => `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`
  const query = async (url: string, sql: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  const start = async (): Promise<void> => {
    const options = Object.entries(set).flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const started = spawn(join(bin, 'postgres'), ['-D', data, ...options], { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, ...owner })
    child = started
    let said = ''
    started.stderr.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4_000)
    })
    const answers = (): Promise<boolean> =>
      query(urlOf('postgres'), 'SELECT 1').then(
        () => true,
        () => false,
      )
    if (!(await eventually(async () => started.exitCode !== null || (await answers()))))
      throw new Error(`PostgreSQL does not answer: ${said}`)
    if (started.exitCode !== null) throw new Error(`PostgreSQL ended with ${started.exitCode}: ${said}`)
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    running.kill(signal)
    await gone
  }
  closers.push(async () => {
    await end('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  let made = 0
  return {
    port,
    user,
    password,
    database: async () => {
      const name = `store_${made++}`
      await query(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    query,
    terminate: async (url) => {
      const rows = await query(
        url,
        'SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
      return rows.length
    },
    // SIGQUIT leaves nothing behind that holds the port; what was committed is found again by recovery.
    kill: () => end('SIGQUIT'),
    stop: () => end('SIGINT'),
    restart: start,
  }
}

/** Debian has each version in a folder of its own; the newest first. */
function packaged(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  return readdirSync(root)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const of = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: of('-u'), gid: of('-g') }
    } catch {
      // The next may be there.
    }
  }
  throw new Error('No user but root is there for PostgreSQL')
}
