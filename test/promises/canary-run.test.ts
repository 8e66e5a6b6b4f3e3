// One run of a gateway with a secret of every kind in it, and then a search for each of them in whatever the run left: logs at trace level,
// metrics, pages of operators, answers and faults, the audit, the store, requests to servers, children, the command line.
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { startIssuer } from '../doubles/issuer.ts'
import type { Closers } from '../peers/admitting.ts'
import { Browser } from '../peers/browser.ts'
import { bytesIn, Canaries, childrenOf, type Places, spellings } from '../peers/canaries.ts'
import { startOAuthServer } from '../peers/oauth-server.mjs'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { startProtected } from '../peers/protected.ts'
import { modern, send, upstreamsOf } from '../peers/raw.ts'
import { plainTool, type Scripted, scriptedStdio, startScripted, textResult } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const random = (): string => `canary-${randomBytes(18).toString('hex')}`
/** Of what is signed the signature alone is a secret. */
const signatureOf = (token: string): string => token.split('.')[2] ?? token

/** An issuer that repeats whatever it is asked, in the forms in which issuers fail; `/good` gives this token. */
async function repeatingIssuer(token: string): Promise<string> {
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => {
      const base = `http://${req.headers.host}`
      const path = req.url ?? ''
      if (path.startsWith('/.well-known/')) {
        const issuer = `${base}/${path.split('/').at(-1)}`
        const endpoints = { token_endpoint: `${issuer}/token`, authorization_endpoint: `${issuer}/auth`, jwks_uri: `${issuer}/jwks` }
        return void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ issuer, ...endpoints }))
      }
      const said = `you sent ${body} with ${req.headers.authorization}`
      const json = { 'content-type': 'application/json' }
      if (path.startsWith('/good/'))
        res.writeHead(200, json).end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 300 }))
      else if (path.startsWith('/error/'))
        res.writeHead(401, json).end(JSON.stringify({ error: 'invalid_client', error_description: said }))
      else if (path.startsWith('/code/'))
        res.writeHead(400, json).end(JSON.stringify({ error: new URLSearchParams(body).get('client_secret') ?? said }))
      else if (path.startsWith('/broken/')) res.writeHead(200, json).end(`{"access_token": "${said}`)
      else if (path.startsWith('/odd/')) res.writeHead(200, json).end(JSON.stringify({ access_token: { said }, token_type: said }))
      else res.writeHead(200, { 'content-type': 'text/html', 'x-said': said.replaceAll('\n', ' ') }).end(`<html>${said}</html>`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const failing = ['error', 'code', 'broken', 'odd', 'page'] as const

promise(
  ['R60', 'R28', 'R33'],
  'no secret of a whole run is found where it does not belong',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-canary-'))
    closers.push(async () => rmSync(folder, { recursive: true, force: true }))
    const canaries = new Canaries()
    const fileOf = (name: string, value: string): string => {
      writeFileSync(join(folder, name), value, { mode: 0o600 })
      return join(folder, name)
    }

    // Where the secrets go.
    const idp = await startIssuer()
    const oauth = await startOAuthServer({})
    closers.push(idp.close, oauth.close)
    const linked = await startProtected({ issuer: oauth.issuer, scopes: ['tools:read'], check: () => undefined })
    closers.push(linked.close)
    const server = async (name: string): Promise<Scripted> => {
      const tools = [plainTool('echo'), plainTool('quote'), plainTool('repeat')]
      const made: Scripted = await startScripted({
        tools,
        call: ({ name: tool, answer, fail }) => {
          if (tool === 'repeat') fail(-32_000, `refused: ${JSON.stringify(made.seen.map(({ headers }) => headers))}`)
          else answer(tool === 'echo' ? textResult(name) : textResult(String(made.seen.at(-1)?.headers['x-second'])))
        },
      })
      closers.push(made.close)
      return made
    }
    const servers = {
      fixed: await server('fixed'),
      rotated: await server('rotated'),
      signed: await server('signed'),
      cloud: await server('cloud'),
    }
    const never = await server('never')

    // The secrets.
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    canaries.plant('a private key', pem.split('\n')[1] ?? '')
    const issuer = await repeatingIssuer(canaries.plant('a token of a service', random(), 'signed'))
    const env = {
      CANARY_STATIC: canaries.plant('a value of ${env:…}', random(), 'fixed'),
      CANARY_VAULT: canaries.plant('the key of the vault', randomBytes(32).toString('base64')),
      CANARY_CHILD: canaries.plant('a value for a child', random(), 'children'),
      CANARY_UNUSED: canaries.plant('a variable that nobody names', random()),
      AWS_ACCESS_KEY_ID: 'AKIACANARY',
      AWS_SECRET_ACCESS_KEY: canaries.plant('the key of a cloud', random()),
      AWS_SESSION_TOKEN: canaries.plant('the session of a cloud', random(), 'cloud'),
    }
    const second = canaries.plant('a header of ${file:…}', random(), 'fixed')
    const rotated = canaries.plant('a value of secretFile', random(), 'rotated')
    const shared = canaries.plant('the secret of a gateway in front', random())
    const secrets = Object.fromEntries(failing.map((kind) => [kind, canaries.plant(`the client secret for ${kind}`, random())]))
    const config = {
      stateDir: join(folder, 'state'),
      log: { level: 'trace', format: 'json' },
      vault: { key: '${env:CANARY_VAULT}' },
      auth: {
        callers: ['oauth', 'apiKey', 'trustedHeader', 'anonymous'],
        issuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri, audience: 'canary' }],
        trustedHeader: { subject: 'X-User', proof: { from: ['127.0.0.1'], sharedSecret: `\${file:${fileOf('shared', shared)}}` } },
        apiKeys: {},
      },
      servers: {
        fixed: {
          url: servers.fixed.url,
          era: 'legacy',
          headers: { 'X-Second': `\${file:${fileOf('second', second)}}` },
          auth: { type: 'static', header: 'X-First', secret: '${env:CANARY_STATIC}' },
        },
        rotated: { url: servers.rotated.url, era: 'legacy', auth: { type: 'static', secretFile: fileOf('rotated', rotated) } },
        signed: {
          url: servers.signed.url,
          era: 'legacy',
          auth: { type: 'privateKeyJwt', issuer: `${issuer}/good`, clientId: 'gateway', key: `\${file:${fileOf('key.pem', pem)}}` },
        },
        cloud: { url: servers.cloud.url, era: 'legacy', auth: { type: 'aws', region: 'eu-central-1', service: 'lambda' } },
        linked: { url: linked.url, era: 'modern', auth: { type: 'authorizationCode', discovery: { type: 'principal' } } },
        child: {
          ...scriptedStdio(
            [plainTool('look')],
            `console.error('token ' + process.env.OWN_TOKEN); const { OWN_TOKEN, ...rest } = process.env
             say({ id, result: { content: [{ type: 'text', text: JSON.stringify([rest, process.argv, process.execArgv.length]) }] } })`,
          ),
          env: { OWN_TOKEN: '${env:CANARY_CHILD}' },
        },
        ...Object.fromEntries(
          failing.map((kind, i) => [
            kind,
            {
              url: never.url,
              era: 'legacy',
              auth: {
                type: 'clientCredentials',
                issuer: `${issuer}/${kind}`,
                clientId: 'gateway',
                clientSecret: secrets[kind],
                clientAuth: i % 2 === 0 ? 'basic' : 'post',
              },
            },
          ]),
        ),
      },
    }
    const file = fileOf('signalbox.yaml', JSON.stringify(config))
    const said: string[] = []
    const signalbox = (...args: string[]): Promise<string> =>
      new Promise((resolve) => {
        execFile(
          process.execPath,
          [join(root, 'dist', 'main.js'), ...args],
          { cwd: folder, env: { ...process.env, ...env } },
          (_error, out, err) => {
            said.push(out, err)
            resolve(out)
          },
        )
      })

    // The run.
    const gateway = await startProcess(config, env)
    closers.push(async () => void gateway.child.kill('SIGKILL'))
    const { key } = JSON.parse((await signalbox('keys', 'create', 'bot', '--json', '--config', file)) || '{}') as { key?: string }
    expect(key).toBeTypeOf('string')
    canaries.plant('an API key', String(key).split('_').slice(2).join('_'))
    // The one time that it is shown.
    said.length = 0
    const caller = await idp.sign({ aud: 'canary' })
    canaries.plant('a token of a caller', signatureOf(caller))
    const answers: string[] = []
    const call = async (mount: string, headers: Record<string, string> = {}, name = 'echo') => {
      const answer = await modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount: `/${mount}`, headers })
      answers.push(answer.text, JSON.stringify(answer.headers))
      return answer
    }
    const reasonOf = async () => (await upstreamsOf(gateway.admin)).find(({ name }) => name === 'linked')?.reason ?? ''
    const linkIn = (text: string): string => /http:\/\/[^\s"]+\/connect\/[A-Za-z0-9_-]{43}/.exec(text)?.[0] ?? ''
    expect(await eventually(async () => linkIn(await reasonOf()) !== '')).toBe(true)
    oauth.provider.on('refresh_token.saved', ({ jti }: { jti: string }) => canaries.plant('a refresh token of a user', jti))
    const browser = new Browser()
    expect((await browser.submit(await browser.open(linkIn(await reasonOf())))).text).toContain('is linked')
    await eventually(async () => (await modern(gateway.base, 'tools/list', {}, { mount: '/linked' })).message.result?.tools?.length > 0)
    const user = await call('linked', {}, 'test_simple_text')
    expect(user.message.result.isError).not.toBe(true)
    for (const token of new Set(linked.tokens)) canaries.plant('an access token of a user', signatureOf(token), 'linked')
    for (const mount of ['fixed', 'rotated', 'signed', 'cloud']) {
      for (const authorization of [`Bearer ${caller}`, `Bearer ${key}`]) {
        expect((await call(mount, { authorization })).message.result.content[0].text, mount).toBe(mount)
      }
      expect((await call(mount, { 'x-user': 'alice', 'signalbox-proof': shared })).status).toBe(200)
    }
    // A server that fails with all credentials that it was ever sent.
    for (const mount of ['rotated', 'signed']) expect((await call(mount, {}, 'repeat')).text).toContain('[secret masked: own_credential]')
    expect((await call('child', {}, 'look')).message.result.content[0].text).toContain('PATH')
    for (const mount of failing) {
      const { message } = await call(mount)
      expect((message.result?._meta ?? message.error?.data)?.['signalbox.dev/fault']?.kind).toBe('upstream_auth_failed')
    }
    // A server that shows its caller what it was given: the one place where a secret does come to light, for the search to find.
    const quoted = await modern(gateway.base, 'tools/call', { name: 'quote', arguments: {} }, { mount: '/fixed' })
    const children = childrenOf(gateway.child.pid as number)
    expect(children.count).toBeGreaterThan(0)
    const pages = ['/metrics', '/admin/v1/upstreams', '/admin/v1/stores', '/admin/v1/clients']
    const told = await Promise.all(pages.map(async (page) => (await send(`${gateway.admin}${page}`, 'GET', undefined)).text))
    await signalbox('ls', '--url', `${gateway.base}/mcp`, '--admin', gateway.admin)
    // While it runs: rows that are not in the file yet stand in the log of the database.
    const running = bytesIn(join(folder, 'state'))
    await gateway.end('SIGTERM')
    await signalbox('check', file)
    for (const about of [
      ['grants', 'list'],
      ['keys', 'list'],
      ['audit', 'verify'],
    ])
      await signalbox(...about, '--config', file)
    const rows = await signalbox('audit', 'query', '--json', '--most', '10000', '--config', file)
    expect(rows).toContain('"about":"credential"')

    const places: Places = {
      log: gateway.log(),
      told: told.join('\n'),
      answers: answers.join('\n'),
      audit: rows,
      'the store, running': running,
      'the store, ended': bytesIn(join(folder, 'state')),
      children: children.text,
      'the command line': said.join('\n'),
      never: JSON.stringify(never.seen),
      linked: JSON.stringify([linked.seen.map(({ headers }) => headers), linked.tokens]),
      ...Object.fromEntries(Object.entries(servers).map(([name, { seen }]) => [name, JSON.stringify(seen)])),
    }
    expect(places.log?.length).toBeGreaterThan(10_000)
    expect(canaries.names).toEqual(expect.arrayContaining(['a refresh token of a user', 'an access token of a user']))
    expect(places['the command line']).toMatch(/cloud__echo[\s\S]*cloud +streamable-http[\s\S]*linked +anonymous/)
    expect(canaries.unused(places)).toEqual([])
    expect(canaries.strays(places)).toEqual([])
    leftOf = { canaries, places, second, quoted: quoted.text }
  },
  120_000,
)

let leftOf: { readonly canaries: Canaries; readonly places: Places; readonly second: string; readonly quoted: string } | undefined

promise(['R60'], 'and the search finds each, wherever and however it is written', () => {
  const { canaries, places, second, quoted } = leftOf ?? {}
  if (canaries === undefined || places === undefined || second === undefined || quoted === undefined) throw new Error('there was no run')
  for (const place of Object.keys(places).filter((name) => name !== 'fixed')) {
    for (const spelling of spellings(second)) {
      const leaking = { ...places, [place]: `${places[place]} x-second: ${spelling}` }
      expect(canaries.strays(leaking)).toEqual([`a header of \${file:…} in ${place}`])
    }
  }
  expect(canaries.strays({ ...places, quoted })).toEqual(['a header of ${file:…} in quoted'])
  const basic = `Basic ${Buffer.from(`gateway:${second}`).toString('base64')}`
  expect(canaries.strays({ log: basic })).toHaveLength(1)
  expect(canaries.unused({ ...places, fixed: '' })).toContain('a header of ${file:…} not in fixed')
})
