import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../../../test/peers/browser.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { type GatewayProcess, startProcess } from '../../../test/peers/process.ts'
import { plainTool, type Scripted, startScripted } from '../../../test/peers/scripted.ts'

const root = new URL('../../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-login-'))
const tokens = join(folder, 'signalbox', 'tokens.json')
const env = { ...process.env, XDG_CONFIG_HOME: folder, SIGNALBOX_TOKEN: '' }
const main = join(root, 'dist', 'main.js')
let gateway: GatewayProcess
let up: Scripted
let url = ''

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function signalbox(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: folder, env }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

/** The command, and a person who walks through the pages that it names. */
async function login(walk: (address: string) => Promise<void>): Promise<Ended> {
  const child = spawn(process.execPath, [main, 'login', '--url', url], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)))
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      err += chunk
      const found = /^ {2}(http\S+)\n/m.exec(err)?.[1]
      if (found !== undefined) resolve(found)
    })
    void ended.then(() => reject(new Error(err)))
  })
  await walk(address)
  return { code: await ended, out, err }
}

beforeAll(async () => {
  up = await startScripted({ era: 'modern', tools: [plainTool('echo')] })
  gateway = await startProcess({
    listen: `127.0.0.1:${await freePort()}`,
    admin: { listen: '127.0.0.1:0' },
    stateDir: join(folder, 'state'),
    auth: { callers: ['oauth'] },
    access: [{ groups: ['operators'], scopes: ['tools:use'], use: ['up'] }],
    servers: { up: { url: up.url, era: 'modern' } },
  })
  url = `${gateway.base}/mcp`
}, 60_000)
afterAll(async () => {
  await gateway.end('SIGTERM')
  await up.close()
  rmSync(folder, { recursive: true, force: true })
})

const words = 'correct horse battery'

describe('signalbox login', () => {
  it('is what `ls` and `call` ask for where nobody is let in unknown', async () => {
    for (const args of [
      ['ls', '--url', url],
      ['call', 'up__echo', '{}', '--url', url],
    ]) {
      const { code, err } = await signalbox(...args)
      expect([code, err]).toEqual([1, expect.stringContaining(`signalbox login --url ${url}`)])
    }
  })

  it('signs a person in through the browser; then both show who asks', async () => {
    const browser = new Browser({ within: gateway.base })
    const link = await gateway.logged(/http:\S+\/oauth\/setup\/\S+/)
    await browser.submit(await browser.open(link), { name: 'ada', password: words, again: words })
    const { code, err } = await login(async (address) => {
      let page = await browser.open(address)
      for (let n = 0; n < 3 && page.status === 200; n += 1) {
        page = await browser.submit(page, page.text.includes('name="password"') ? { name: 'ada', password: words } : { answer: 'allow' })
      }
      expect(page.url.pathname).toBe('/callback')
      expect(await (await fetch(page.url)).text()).toContain('Signed in')
    })
    expect([code, err]).toEqual([0, expect.stringContaining('Signed in.')])
    expect(statSync(tokens).mode & 0o777).toBe(0o600)
    const listed = await signalbox('ls', '--url', url)
    expect([listed.code, listed.out]).toEqual([0, expect.stringContaining('up__echo')])
    const called = await signalbox('call', 'up__echo', '{}', '--url', url)
    expect([called.code, called.out]).toEqual([0, expect.stringContaining('echo was called')])
    expect(gateway.log()).not.toContain(JSON.parse(readFileSync(tokens, 'utf8'))[url].accessToken)
  }, 60_000)

  it('renews what is about to end, and keeps the new refresh token', async () => {
    const kept = JSON.parse(readFileSync(tokens, 'utf8'))
    const before = kept[url]
    writeFileSync(tokens, JSON.stringify({ ...kept, [url]: { ...before, expiresAt: Date.now() + 1_000 } }), { mode: 0o600 })
    expect((await signalbox('ls', '--url', url)).code).toBe(0)
    const after = JSON.parse(readFileSync(tokens, 'utf8'))[url]
    expect(after.accessToken).not.toBe(before.accessToken)
    expect(after.refreshToken).not.toBe(before.refreshToken)
    expect(after.expiresAt).toBeGreaterThan(Date.now() + 60_000)
    expect((await signalbox('ls', '--url', url)).code).toBe(0)
  })

  it('a token that is given goes before that of the sign-in', async () => {
    const { code, err } = await signalbox('ls', '--url', url, '--token', 'sbx_of_nobody')
    expect([code, err]).toEqual([1, expect.stringContaining('does not take this token')])
  })

  it('--out forgets it', async () => {
    expect((await signalbox('login', '--url', url, '--out')).code).toBe(0)
    expect((await signalbox('ls', '--url', url)).code).toBe(1)
    expect(readFileSync(tokens, 'utf8')).toBe('{}\n')
  })
})

describe('signalbox login refuses', () => {
  async function against(metadata: (base: string) => object): Promise<Ended> {
    const server = createServer((req, res) => {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      if (req.method === 'POST') {
        return void res.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${base}/metadata"` }).end()
      }
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata(base)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const ended = await signalbox('login', '--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
    server.closeAllConnections()
    server.close()
    return ended
  }

  it.each([
    [
      'metadata of another resource',
      () => ({ resource: 'https://other.example/mcp', authorization_servers: ['https://id.example'] }),
      /says that it is/,
    ],
    [
      'an issuer within the network',
      (base: string) => ({ resource: `${base}/mcp`, authorization_servers: ['https://10.0.0.1'] }),
      /private address/,
    ],
    ['no issuer', (base: string) => ({ resource: `${base}/mcp`, authorization_servers: [] }), /does not say where/],
    ['what is no metadata', () => [], /does not say where/],
  ])('%s', async (_what, metadata, says) => {
    const { code, err } = await against(metadata)
    expect(err).toMatch(says)
    expect(code).toBe(1)
  })

  it('an address that is none, and a gateway that asks nobody', async () => {
    expect((await signalbox('login', '--url', 'mcp.example.com')).code).toBe(2)
    expect((await signalbox('login', '--url', 'http://127.0.0.1:1/mcp')).code).toBe(1)
    const open = await startProcess({ servers: {} })
    expect((await signalbox('login', '--url', `${open.base}/mcp`)).err).toContain('asks nobody to sign in')
    await open.end('SIGTERM')
  })
})
