import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatProblem } from '../../platform/config/index.ts'
import { load } from './load.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-production-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

async function problems(config: object, listen?: string): Promise<string[]> {
  files += 1
  const file = join(folder, `${files}.yaml`)
  writeFileSync(file, JSON.stringify(config))
  const result = await load({
    config: file,
    env: {
      SECRET: 'a secret from the environment',
      SECRET_URL: 'https://hooks.slack.example/services/T1',
      CLEAR_URL: 'http://hooks.slack.example/services/T2',
    },
    cwd: folder,
    listen,
  })
  return result.ok ? [] : result.problems.map(formatProblem)
}

const issuers = [{ issuer: 'https://id.example' }]
const good = {
  profile: 'production',
  listen: '0.0.0.0:4280',
  publicUrl: 'https://mcp.example.com',
  stateDir: 'state',
  auth: { issuers },
  access: [{ use: ['*'] }],
  servers: { up: { url: 'https://up.example/mcp' } },
}

describe('other machines', () => {
  it('are served once callers are asked who they are', async () => {
    expect(await problems(good)).toEqual([])
    expect(await problems({ ...good, profile: 'dev' })).toEqual([])
    expect(await problems({ ...good, listen: '127.0.0.1:1' }, '0.0.0.0:4280')).toEqual([])
  })

  it.each([
    ['without authentication', { auth: undefined }, /auth: authentication is missing: 0\.0\.0\.0/],
    ['without a public address', { publicUrl: undefined }, /publicUrl: is missing/],
    ['where tokens would cross in clear text', { publicUrl: 'http://mcp.example.com' }, /publicUrl: is plain http/],
    ['without rules', { access: undefined }, /access: is missing/],
    ['to anybody', { auth: { issuers, callers: ['oauth', 'anonymous'] } }, /anonymous/],
  ])('are not served %s', async (_what, change, says) => {
    expect((await problems({ ...good, ...change })).join('\n')).toMatch(says)
  })

  it('are served through a socket by the same rules, and this one alone in the dev profile by the mode of its file', async () => {
    const socket = { ...good, listen: 'unix:/run/signalbox.sock' }
    expect(await problems(socket)).toEqual([])
    expect(await problems({ listen: 'unix:/run/signalbox.sock', servers: good.servers })).toEqual([])
    expect((await problems({ ...socket, auth: undefined })).join('\n')).toMatch(
      /auth: authentication is missing: what stands in front of unix:/,
    )
    expect((await problems({ ...socket, auth: { issuers, callers: ['oauth', 'anonymous'] } })).join('\n')).toMatch(
      /authentication is missing/,
    )
    expect((await problems({ ...socket, publicUrl: undefined })).join('\n')).toMatch(/publicUrl: is missing: clients cannot call unix:/)
    expect((await problems({ ...socket, publicUrl: 'http://mcp.example.com' })).join('\n')).toMatch(/publicUrl: is plain http/)
    const pem = '-----BEGIN X-----'
    expect((await problems({ ...socket, profile: 'dev', tls: { cert: pem, key: pem } })).join('\n')).toMatch(/tls: contradiction: unix:/)
    for (const bad of ['unix:', 'unix:run/x.sock', 'unix:/run/', `unix:/${'x'.repeat(110)}`]) {
      expect((await problems({ ...socket, listen: bad })).join('\n')).toMatch(/listen: /)
    }
    expect((await problems({ ...socket, http: { socketMode: '999' } })).join('\n')).toMatch(/http\.socketMode/)
  })

  it('in the dev profile neither, whatever its defaults', async () => {
    const dev = { listen: '0.0.0.0:4280', servers: good.servers }
    expect((await problems(dev)).join('\n')).toMatch(/authentication is missing/)
    expect((await problems({ ...dev, auth: { callers: ['anonymous'] } })).join('\n')).toMatch(/authentication is missing/)
    const admin = { ...good, profile: 'dev', admin: { listen: '0.0.0.0:4281' } }
    expect((await problems(admin)).join('\n')).toMatch(/admin\.listen: 0\.0\.0\.0.*asks nobody/)
  })

  it('do not reach the admin door where the front door is theirs', async () => {
    const file = join(folder, 'admin.yaml')
    writeFileSync(file, JSON.stringify(good))
    const result = await load({ config: file, env: {}, cwd: folder })
    expect(result.ok && result.loaded.admin).toEqual({ host: '127.0.0.1', port: 4281 })
  })
})

describe('a secret in production', () => {
  it.each([
    [
      'a header',
      { servers: { up: { url: 'https://up.example/mcp', headers: { Authorization: 'Bearer abc' } } } },
      /servers\.up\.headers\.Authorization/,
    ],
    ['an odd header', { servers: { up: { url: 'https://up.example/mcp', headers: { 'X-Api-Key': 'abc' } } } }, /X-Api-Key/],
    ['a variable of a child', { servers: { up: { command: 'node', env: { GITHUB_TOKEN: 'abc' } } } }, /servers\.up\.env\.GITHUB_TOKEN/],
    ['the key of the vault', { vault: { key: Buffer.alloc(32, 7).toString('base64') } }, /vault\.key/],
    ['an old key of the vault', { vault: { previous: [Buffer.alloc(32, 7).toString('hex')] } }, /vault\.previous/],
  ])('does not stand in the file: %s', async (_what, change, key) => {
    const found = (await problems({ ...good, ...change })).join('\n')
    expect(found).toMatch(key)
    expect(found).toMatch(/is a secret that stands in the file/)
    expect(found).not.toContain('abc')
    expect((await problems({ ...good, ...change, profile: 'dev' })).join('\n')).not.toMatch(/stands in the file/)
  })

  it('is given by reference, also within a text', async () => {
    const headers = { Authorization: 'Bearer ${env:SECRET}', 'X-Trace': 'on' }
    expect(await problems({ ...good, servers: { up: { url: 'https://up.example/mcp', headers } } })).toEqual([])
  })
})

describe('tls', () => {
  it.each([
    ['a path in place of the text', { cert: '/etc/cert.pem', key: '/etc/key.pem' }, /tls\.cert.*PEM/],
    ['no key', { cert: '-----BEGIN CERTIFICATE-----' }, /tls\.key/],
  ])('with %s is refused, and says how to give it', async (_what, tls, says) => {
    expect((await problems({ ...good, profile: 'dev', tls })).join('\n')).toMatch(says)
  })
})

it('publicUrl is the address of the gateway, and not of its endpoint', async () => {
  const found = await problems({ ...good, publicUrl: 'https://mcp.example.com/mcp' })
  expect(found.join('\n')).toMatch(/publicUrl: ends with \/mcp.*leave \/mcp out/)
})

it('publicUrl takes no query, fragment or other scheme', async () => {
  for (const publicUrl of ['https://a.example/?x=1', 'https://a.example/#x', 'ftp://a.example', 'mcp.example.com']) {
    expect((await problems({ ...good, publicUrl })).join('\n'), publicUrl).toMatch(/publicUrl/)
  }
})

describe('who is told of incidents, in production', () => {
  const slack = 'https://hooks.slack.example/services/T0/B0/x'
  it.each([
    ['a webhook in clear text', { webhook: 'http://hooks.example/signalbox' }, /alerts\.webhook: what is told.* in clear text/],
    [
      'a webhook with its secret in the file',
      { webhook: { url: 'https://hooks.example/a', secret: '0123456789abcdef' } },
      /alerts\.webhook\.secret: is a secret that stands/,
    ],
    [
      'one of several with a token in its address',
      { webhook: ['https://a.example/x', 'https://b.example/?key=1'] },
      /alerts\.webhook\.1: is an address that is a secret/,
    ],
    ['Slack by its address', { slack }, /alerts\.slack: is an address that is a secret/],
    ['a list of Slack', { slack: ['${env:SECRET_URL}', slack] }, /alerts\.slack\.1: is an address that is a secret/],
    ['Slack in clear text, by reference too', { slack: '${env:CLEAR_URL}' }, /alerts\.slack: what is told/],
    ['an Alertmanager with a password', { alertmanager: 'https://a:b1b1b1b1@am.example' }, /alerts\.alertmanager: is an address/],
  ])('is not %s', async (_what, alerts, says) => {
    expect((await problems({ ...good, alerts })).join('\n')).toMatch(says)
    expect((await problems({ ...good, alerts, profile: 'dev' })).join('\n')).toBe('')
  })

  it('is whoever is named by reference, in confidence, or on this machine', async () => {
    const alerts = {
      webhook: [{ url: 'https://hooks.example/signalbox', secret: '${env:SECRET}' }, 'http://127.0.0.1:9000/hook'],
      slack: '${env:SECRET_URL}',
      alertmanager: 'http://alertmanager:9093',
    }
    expect(await problems({ ...good, alerts })).toEqual([])
  })
})
