// Gateways of one store in front of a server whose issuer rotates refresh tokens and ends a grant when one comes twice: processes as a user
// starts them, real MCP behind bearer tokens, and a grant whose token has just ended.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { domains } from '../../src/assembly/stores.ts'
import { anonymous } from '../../src/core/call/principal.ts'
import { durableGrants, type GrantKey } from '../../src/gateway/credentials/grants.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { createSqliteDurable } from '../../src/platform/store/sqlite/durable.ts'
import { createVault } from '../../src/platform/vault/envelope.ts'
import { type TestIssuer, testIssuer } from '../doubles/oauth/issuer.ts'
import { countingReport } from '../doubles/upstream/upstream-rig.ts'
import { signalbox } from '../peers/command-line.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { type Protected, startProtected } from '../peers/protected.ts'
import { type Answer, modern } from '../peers/raw.ts'
import { promise } from './promise.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const vaultKey = Buffer.alloc(32, 5)

interface Fleet {
  readonly issuer: TestIssuer
  readonly server: Protected
  readonly gateways: readonly GatewayProcess[]
  readonly folder: string
  readonly config: Record<string, unknown>
}

async function fleet(count: number, env: Record<string, string> = {}): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-fleet-'))
  open.push(() => rmSync(folder, { recursive: true, force: true }))
  const issuer = await testIssuer(systemClock)
  open.push(() => issuer.stop())
  issuer.ttlSec = 600
  const good = (token: string): string | undefined => (token === 'lister' || issuer.isGood(token) ? undefined : 'invalid_token')
  const server = await startProtected({ issuer: issuer.url, check: good })
  open.push(() => server.close())
  const key = await grantedBefore(issuer, server, folder)
  expect(key.sub).toBe('anonymous')
  const auth = {
    type: 'authorizationCode',
    clientId: 'gw',
    clientSecret: 'client-secret-canary',
    discovery: { type: 'static', secret: 'lister' },
  }
  const config = {
    listen: '127.0.0.1:0',
    stateDir: folder,
    vault: { key: vaultKey.toString('base64') },
    log: { level: 'trace' },
    servers: { up: { url: server.url, auth } },
  }
  const gateways: GatewayProcess[] = []
  for (let i = 0; i < count; i += 1) {
    const gateway = await startProcess(config, env)
    gateways.push(gateway)
    open.push(() => gateway.end('SIGKILL'))
  }
  for (const gateway of gateways) {
    expect(await eventually(async () => (await gateway.upstreams()).every(({ state }) => state === 'ready'), 20_000)).toBe(true)
  }
  return { issuer, server, gateways, folder, config }
}

/** As the connect page left it an hour ago. */
async function grantedBefore(issuer: TestIssuer, server: Protected, folder: string): Promise<GrantKey> {
  const durable = createSqliteDurable({
    file: join(folder, 'signalbox.db'),
    domains,
    program: 'test',
    clock: systemClock,
    report: countingReport(),
  })
  const grants = durableGrants(durable, createVault([vaultKey], systemRandom), systemClock, systemRandom)
  const { tenant, iss, sub } = anonymous
  const key = { tenant, server: 'up', iss, sub, issuer: issuer.url, resource: server.url }
  const { refresh } = issuer.grant()
  const now = Date.now()
  const token = { access: 'ended', refresh, expiresAt: now - 1_000, issuedAt: now - 3_600_000, scopes: undefined, boundTo: undefined }
  await grants.given(key, { token, clientId: 'gw', scopes: [] })
  await durable.close()
  return key
}

const call = ({ base }: GatewayProcess): Promise<Answer> =>
  modern(
    base,
    'tools/call',
    { name: 'test_simple_text', arguments: {} },
    { mount: '/up', headers: { authorization: 'Bearer caller-canary' } },
  )
const isGood = ({ message }: Answer): boolean => message.result !== undefined && message.result.isError !== true

promise(
  ['R20', 'R22', 'R23'],
  '50 callers on each of 4 gateways at the end of a token: one renewal, and not one of them fails',
  async () => {
    const { issuer, server, gateways } = await fleet(4)
    const answers = await Promise.all(gateways.flatMap((gateway) => Array.from({ length: 50 }, () => call(gateway))))
    expect(answers).toHaveLength(200)
    expect(answers.filter((answer) => !isGood(answer)).map(({ text }) => text)).toEqual([])
    expect(issuer.count('refresh_token')).toBe(1)
    // No caller's token and no secret of ours went where it does not belong.
    expect(server.tokens.join()).not.toContain('canary')
    for (const { log } of gateways) {
      expect(log()).not.toMatch(/canary|lister|access-\d|refresh-\d/)
    }
  },
  120_000,
)

promise(
  ['R21', 'R22'],
  'a gateway that is killed while it renews is followed by another, and a grant that is revoked by the command line is used no more',
  async () => {
    const { issuer, gateways, folder, config } = await fleet(2)
    const [first, second] = gateways as [GatewayProcess, GatewayProcess]
    let asked = 0
    issuer.bend = () => {
      asked += 1
      // The first never hears.
      return asked === 1 ? new Promise(() => undefined) : undefined
    }
    const lost = call(first).catch(() => undefined)
    await eventually(() => asked === 1)
    await first.end('SIGKILL')
    await lost
    const began = performance.now()
    expect(isGood(await call(second))).toBe(true)
    // A lease lasts 15 s.
    expect(performance.now() - began).toBeLessThan(20_000)
    const file = join(folder, 'signalbox.yaml')
    writeFileSync(file, JSON.stringify(config))
    const run = (...args: string[]) => signalbox(folder, 'grants', ...args, '--config', file)
    const listed = JSON.parse((await run('list', '--json')).out)
    expect(listed.grants).toEqual([
      expect.objectContaining({ server: 'up', status: 'active', principal: { iss: 'signalbox', sub: 'anonymous' } }),
    ])
    expect((await run('list')).out).toContain('anonymous (signalbox)')
    expect((await run('revoke')).code).not.toBe(0)
    expect((await run('revoke', '--principal', 'anonymous', '--server', 'up')).out).toContain('One grant was revoked')
    const revoked = async (): Promise<boolean> => {
      const { message } = await call(second)
      return message.result?._meta?.['signalbox.dev/fault']?.kind === 'reauth_required'
    }
    expect(await eventually(revoked, 5_000)).toBe(true)
  },
  120_000,
)
