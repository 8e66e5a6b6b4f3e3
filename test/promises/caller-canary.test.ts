// Credentials of callers, good and bad, in every way in which they can be shown: no log at any level, metric, answer, page of operators, store or
// request to a server holds one of them.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, expect } from 'vitest'
import { createDurable } from '../../src/assembly/stores.ts'
import { createApiKeyStore } from '../../src/gateway/identity/index.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { createVault } from '../../src/platform/vault/envelope.ts'
import { startIssuer } from '../doubles/issuer.ts'
import { silentReport } from '../doubles/report.ts'
import type { Closers } from '../peers/admitting.ts'
import { startProcess } from '../peers/process.ts'
import { type Answer, modern, send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

promise(
  ['R60', 'R28'],
  'no credential of a caller is found anywhere, whatever was answered to it (R22A)',
  async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-callers-'))
    closers.push(async () => rmSync(stateDir, { recursive: true, force: true }))
    const idp = await startIssuer()
    const upstream = await startScripted({ tools: [plainTool('echo')] })
    closers.push(idp.close, upstream.close)
    // An issuer that answers a question about a token with the token, as no JSON.
    const repeating = createServer((req, res) => {
      let body = ''
      req.on('data', (chunk) => {
        body += chunk
      })
      req.on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end(`{"oops": ${body}`))
    })
    await new Promise<void>((resolve) => repeating.listen(0, '127.0.0.1', resolve))
    closers.push(async () => {
      repeating.closeAllConnections()
      repeating.close()
    })
    const asking = `http://127.0.0.1:${(repeating.address() as AddressInfo).port}`
    const vaultKey = Buffer.alloc(32, 7)
    const secrets = { shared: 'canary-shared-secret-1', client: 'canary-client-secret-2' }
    const publicUrl = 'https://mcp.example.com'
    const gateway = await startProcess({
      publicUrl,
      stateDir,
      log: { level: 'trace', format: 'json' },
      vault: { key: vaultKey.toString('base64') },
      auth: {
        issuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri }],
        introspection: [{ issuer: 'https://opaque.example', endpoint: asking, client: { id: 'gateway', secret: secrets.client } }],
        platform: { exchange: [{ issuer: idp.issuer, jwksUri: idp.jwksUri }] },
        trustedHeader: { subject: 'X-User', proof: { from: ['127.0.0.1'], sharedSecret: secrets.shared } },
        apiKeys: {},
      },
      servers: { up: { url: upstream.url, era: 'legacy' } },
    })
    const durable = createDurable({ stateDir, stores: { durable: 'sqlite' } }, systemClock, silentReport)
    const keys = createApiKeyStore({ durable, vault: createVault([vaultKey], systemRandom), clock: systemClock, random: systemRandom })
    const { key } = await keys.create({ tenant: 'default', subject: 'bot', scopes: [], groups: [], lifetimeMs: 600_000 })
    const dead = (await keys.create({ tenant: 'default', subject: 'old', scopes: [], groups: [], lifetimeMs: 1 })).key
    await durable.close()
    const resource = `${publicUrl}/mcp`
    const proofKey = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(proofKey.publicKey)
    const bound = await idp.sign({ aud: resource, jti: 'bound', cnf: { jkt: await calculateJwkThumbprint(jwk) } })
    const proof = await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: resource, iat: Math.floor(Date.now() / 1_000), ath: 'wrong' })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(proofKey.privateKey)
    const good = await idp.sign({ aud: resource })
    const assertion = await idp.sign({ aud: `${publicUrl}/oauth/platform`, jti: undefined }, { typ: 'JWT' })
    const shown = {
      good,
      elsewhere: await idp.sign({ aud: 'https://elsewhere.example', jti: 'elsewhere' }),
      malformed: 'canary.malformed.token-3',
      opaque: 'canary-opaque-token-4',
      bound,
      key,
      dead,
      inAddress: 'canary-address-token-5',
    }
    const answers: Answer[] = []
    const call = async (headers: Record<string, string>) => {
      answers.push(await modern(gateway.base, 'tools/call', { name: 'up__echo', arguments: {} }, { headers }))
      return answers.at(-1)?.status
    }
    const statuses: Record<string, number | undefined> = {}
    for (const [name, token] of Object.entries(shown)) statuses[name] = await call({ authorization: `Bearer ${token}` })
    expect(statuses).toEqual({ good: 200, elsewhere: 401, malformed: 503, opaque: 503, bound: 401, key: 200, dead: 401, inAddress: 503 })
    expect(await call({ authorization: `DPoP ${bound}`, dpop: proof })).toBe(401)
    expect(await call({ 'x-user': 'alice', 'signalbox-proof': secrets.shared })).toBe(200)
    expect(await call({ 'x-user': 'alice', 'signalbox-proof': `${secrets.shared}x` })).toBe(401)
    expect(await call({ authorization: 'Basic Y2FuYXJ5LWJhc2ljLTY6eA==', cookie: 'sid=canary-cookie-7' })).toBe(401)
    answers.push(await send(`${gateway.base}/mcp?access_token=${shown.inAddress}`, 'POST', '{}'))
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const exchanged = await send(`${gateway.base}/oauth/platform/token`, 'POST', form.toString(), { headers })
    expect(exchanged.status).toBe(200)
    const minted = String(JSON.parse(exchanged.text).access_token)
    expect(await call({ authorization: `Bearer ${minted}` })).toBe(200)
    answers.push(
      await send(`${gateway.base}/oauth/platform/token`, 'POST', form.toString().replace('assertion=', 'assertion=canary-assertion-8'), {
        headers,
      }),
    )
    const pages = ['/metrics', '/admin/v1/upstreams', '/admin/v1/stores', '/admin/v1/clients']
    const told = await Promise.all(pages.map(async (page) => (await send(`${gateway.admin}${page}`, 'GET', undefined)).text))
    await gateway.end('SIGTERM')
    const kept = readdirSync(stateDir).map((name) => readFileSync(join(stateDir, name), 'latin1'))
    const sinks: Record<string, string> = {
      log: gateway.log(),
      told: told.join('\n'),
      answers: answers.map(({ text, headers: sent }) => `${text}\n${JSON.stringify(sent)}`).join('\n'),
      upstream: JSON.stringify(upstream.seen),
      store: kept.join('\n'),
    }
    expect(sinks.log?.length).toBeGreaterThan(1_000)
    expect(sinks.store?.length).toBeGreaterThan(10_000)
    // Of what is signed the signature alone is a secret, and of a key its last part.
    const parts = [good, shown.elsewhere, bound, proof, assertion, minted].map((token) => token.split('.')[2] ?? '')
    const canaries = [...parts, key.split('_').slice(2).join('_'), dead.split('_').slice(2).join('_'), 'canary-', 'canary.', 'Y2FuYXJ5']
    for (const [sink, text] of Object.entries(sinks)) {
      for (const canary of canaries) expect(`${sink}: ${text.includes(canary) ? canary : 'none'}`).toBe(`${sink}: none`)
    }
  },
  90_000,
)
