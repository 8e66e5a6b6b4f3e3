// What is taken back before its end: it lets nobody in, and what runs with it ends, within seconds and on every gateway of the store.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { createDurable } from '../../src/assembly/stores.ts'
import { createRevocationStore, type RevocationStore } from '../../src/gateway/identity/index.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { type Claims, startIssuer } from '../doubles/issuer.ts'
import { silentReport } from '../doubles/report.ts'
import { admitting, type Closers, resource, statusOf } from '../peers/admitting.ts'
import { eventually } from '../peers/processes.ts'
import { modern, openSession, send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Two gateways of one store, and whoever revokes from outside. */
async function setting() {
  const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-revocation-'))
  closers.push(async () => rmSync(stateDir, { recursive: true, force: true }))
  const idp = await startIssuer()
  const waiting: string[] = []
  const upstream = await startScripted({
    tools: [plainTool('wait'), plainTool('echo')],
    call: (arrived) => {
      if (arrived.name === 'wait') waiting.push(String(arrived.id))
      else arrived.answer({ content: [{ type: 'text', text: 'echo' }] })
    },
  })
  closers.push(idp.close, upstream.close)
  const auth = { issuers: [{ issuer: idp.issuer }] }
  const more = { stateDir, servers: { up: { url: upstream.url, era: 'legacy' } } }
  const [one, two] = [await admitting(closers, auth, more), await admitting(closers, auth, more)]
  const durable = createDurable({ stateDir, stores: { durable: 'sqlite' } }, systemClock, silentReport)
  closers.push(() => durable.close())
  const revocations: RevocationStore = createRevocationStore(durable, systemClock)
  // Issued a while ago, as most tokens are when they are revoked.
  const iat = Math.floor(Date.now() / 1_000) - 30
  const token = (claims: Claims) => idp.sign({ aud: resource, iat, ...claims })
  return { idp, one, two, revocations, token, waiting }
}

promise(['R28', 'R30'], 'a revoked token is refused everywhere, and the call and the stream that it began end (R16, A18)', async () => {
  const { one, two, revocations, token, waiting } = await setting()
  const taken = await token({ jti: 'stolen' })
  const headers = { authorization: `Bearer ${taken}` }
  const session = await openSession(one.base, { headers })
  let streamed = false
  const stream = send(`${one.base}/mcp`, 'GET', undefined, {
    headers: { ...headers, ...session },
    onText: () => {
      streamed = true
    },
  })
  const call = modern(one.base, 'tools/call', { name: 'up__wait', arguments: {} }, { headers })
  expect(await eventually(() => waiting.length === 1 && streamed)).toBe(true)
  const other = await token({ jti: 'other' })
  expect([await statusOf(two, taken), await statusOf(two, other)]).toEqual([200, 200])
  await revocations.add({ kind: 'token', value: 'stolen', issuer: '' })
  expect((await call).text).toContain('"kind":"credential_expired"')
  await stream
  expect(await statusOf(one, taken)).toBe(401)
  expect(await eventually(async () => (await statusOf(two, taken)) === 401)).toBe(true)
  expect([await statusOf(one, other), await statusOf(two, other)]).toEqual([200, 200])
})

promise(['R28'], 'all that a subject or a client had is refused, and what it gets anew is taken', async () => {
  const { idp, one, revocations, token } = await setting()
  const [alice, bob, agent] = [
    await token({ sub: 'alice', jti: '1' }),
    await token({ sub: 'bob', jti: '2' }),
    await token({ sub: 'carol', client_id: 'bad', jti: '3' }),
  ]
  const all = async () => [await statusOf(one, alice), await statusOf(one, bob), await statusOf(one, agent)]
  expect(await all()).toEqual([200, 200, 200])
  await revocations.add({ kind: 'subject', value: 'alice', issuer: idp.issuer })
  await revocations.add({ kind: 'subject', value: 'bob', issuer: 'https://other.example' })
  await revocations.add({ kind: 'client', value: 'bad', issuer: '' })
  expect(await eventually(async () => JSON.stringify(await all()) === '[401,200,401]')).toBe(true)
  const anew = await token({ sub: 'alice', jti: '4', iat: Math.floor(Date.now() / 1_000) + 1 })
  expect(await statusOf(one, anew)).toBe(200)
})

promise(['R28'], 'what was revoked before the start is refused from the first request on', async () => {
  const { token, idp } = await setting()
  const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-revocation-'))
  closers.push(async () => rmSync(stateDir, { recursive: true, force: true }))
  const durable = createDurable({ stateDir, stores: { durable: 'sqlite' } }, systemClock, silentReport)
  await createRevocationStore(durable, systemClock).add({ kind: 'subject', value: 'alice', issuer: '' })
  await durable.close()
  const late = await admitting(closers, { issuers: [{ issuer: idp.issuer }] }, { stateDir })
  expect(await statusOf(late, await token({}))).toBe(401)
})
