// What each `sslmode` asks of the server.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, postgresPath, startPostgres } from '../../../../test/peers/postgres.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { parsePostgresUrl } from './address.ts'
import { inspectPostgres } from './inspect.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-pg-tls-'))
const closers: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
const ca = join(folder, 'ca.pem')

/** A certificate of our own authority for one address. */
function certificate(name: string, address: string): { cert: string; key: string } {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  if (name === 'first') openssl('req', '-x509', ...fresh, '-keyout', 'ca.key', '-out', ca, '-days', '2', '-subj', '/CN=authority')
  openssl('req', ...fresh, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
  writeFileSync(join(folder, `${name}.ext`), `subjectAltName=IP:${address}`)
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-CA',
    ca,
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-out',
    `${name}.pem`,
    '-extfile',
    `${name}.ext`,
  )
  return { cert: readFileSync(join(folder, `${name}.pem`), 'utf8'), key: readFileSync(join(folder, `${name}.key`), 'utf8') }
}

describe.skipIf(postgresPath === undefined)('sslmode', () => {
  let right: PostgresServer
  let wrong: PostgresServer
  beforeAll(async () => {
    right = await startPostgres(closers, { tls: certificate('first', '127.0.0.1') })
    wrong = await startPostgres(closers, { tls: certificate('second', '10.0.0.1') })
  }, 60_000)
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  })

  it.each([
    ['disable', '', 'right', undefined],
    ['require', '', 'right', undefined],
    ['require', 'ca', 'wrong', undefined],
    ['verify-ca', 'ca', 'wrong', undefined],
    ['verify-ca', '', 'right', /unable to verify|self-signed|local issuer/],
    ['verify-full', 'ca', 'right', undefined],
    ['verify-full', 'ca', 'wrong', /IP: 127\.0\.0\.1 is not in the cert's list/],
    ['verify-full', '', 'right', /unable to verify|self-signed|local issuer/],
  ] as const)('%s, with its own authority "%s", towards the %s server', async (mode, authority, which, trouble) => {
    const server = which === 'right' ? right : wrong
    const url = `${await server.database()}?sslmode=${mode}${authority === 'ca' ? `&sslrootcert=${encodeURIComponent(ca)}` : ''}`
    const address = parsePostgresUrl(url)
    if (typeof address === 'string') throw new Error(address)
    const found = await inspectPostgres(address, [], systemClock)
    if (trouble === undefined) expect(found).toMatchObject({ version: expect.stringMatching(/^\d+/), tables: 'toBeMade' })
    else expect(found.trouble).toMatch(trouble)
    if (trouble === undefined) expect(found.trouble).toBeUndefined()
  })
})
