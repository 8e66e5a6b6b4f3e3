// Whose task a call is: told in every record of it, to its server, and in its fault.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startIssuer } from '../doubles/issuer.ts'
import { admitting, type Closers, resource } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import { startProcess } from '../peers/process.ts'
import { legacy, modern, openSession } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function scripted(era: 'legacy' | 'modern'): Promise<Scripted> {
  const server = await startScripted({ era, tools: [plainTool('read'), plainTool('drop')] })
  closers.push(server.close)
  return server
}

/** What the server was told of the runs of the calls that it got. */
function told(server: Scripted) {
  return server.seen
    .filter(({ method }) => method === 'tools/call')
    .map(({ params }) => [params._meta?.['signalbox.dev/run'], params._meta?.['signalbox.dev/turn'], params._meta?.baggage])
}

promise(
  'R17',
  'a token that was issued for a run belongs to that run, whatever its bearer states: for the server, in the log, in faults and in the audit',
  async () => {
    const up = await scripted('modern')
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-runs-'))
    closers.push(async () => rmSync(folder, { recursive: true, force: true }))
    const config = {
      listen: `127.0.0.1:${await freePort()}`,
      stateDir: join(folder, 'state'),
      auth: { platform: {}, callers: ['platform', 'anonymous'] },
      servers: { up: { url: up.url, era: 'modern' } },
      access: [{ use: ['up/read'] }],
      telemetry: { baggage: ['tenant'] },
    }
    writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
    const signalbox = (...args: string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (error, out) =>
          error === null ? resolve(out.trim()) : reject(error),
        )
      })
    const token = await signalbox('token', 'mint', '--subject', 'nightly', '--run', 'build 7')
    const gateway = await startProcess(config)
    const call = (name: string, meta: Record<string, unknown>, headers: Record<string, string> = {}) =>
      modern(gateway.base, 'tools/call', { name: `up__${name}`, arguments: {}, _meta: meta }, { headers })
    const bearer = { authorization: `Bearer ${token}` }
    const stated = { 'signalbox.dev/run': 'r-1', 'signalbox.dev/turn': 't-1', 'signalbox.dev/why': 'to see' }
    await call('read', { ...stated, baggage: 'tenant=x,run.id=r-2' }, { ...bearer, 'signalbox-run': 'r-3' })
    await call('read', { baggage: 'run.id=r-2' })
    await call('read', {}, { 'signalbox-run': 'r-3', 'signalbox-turn': 't-3' })
    const refused = await call('drop', stated)
    expect(refused.message.result._meta['signalbox.dev/fault']).toMatchObject({ kind: 'forbidden', run: 'r-1' })
    const session = await openSession(gateway.base)
    const alsoRefused = await legacy(gateway.base, session, 'tools/call', { name: 'up__drop', arguments: {}, _meta: stated })
    expect(alsoRefused.message.result._meta['signalbox.dev/fault']).toMatchObject({ kind: 'forbidden', run: 'r-1' })
    expect(told(up)).toEqual([
      ['build 7', 't-1', 'tenant=x,run.id=build%207,turn.id=t-1'],
      ['r-2', undefined, 'run.id=r-2'],
      ['r-3', 't-3', 'run.id=r-3,turn.id=t-3'],
    ])
    expect(await gateway.end('SIGTERM')).toBe(0)
    const lines = gateway
      .log()
      .split('\n')
      .filter((line) => line.includes('"event":"call"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ method }) => method === 'tools/call')
    expect(lines).toMatchObject([
      { sub: 'nightly', run: 'build 7', turn: 't-1', why: 'to see' },
      { sub: 'anonymous', run: 'r-2' },
      { run: 'r-3', turn: 't-3' },
      { run: 'r-1', turn: 't-1', fault: 'forbidden', revision: '2026-07-28' },
      { run: 'r-1', turn: 't-1', fault: 'forbidden', revision: '2025-11-25' },
    ])
    const rows = async (run: string) =>
      (await signalbox('audit', 'query', '--json', '--run', run))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(await rows('build 7')).toMatchObject([{ subject: 'nightly', item: 'read', decision: 'allowed', run: 'build 7', turn: 't-1' }])
    expect(await rows('r-1')).toMatchObject(
      Array(2).fill({ subject: 'anonymous', item: 'drop', decision: 'denied', run: 'r-1', turn: 't-1' }),
    )
    expect(await rows('r-4')).toEqual([])
    expect(JSON.parse(await signalbox('audit', 'verify', '--json')).verdict).toBe('whole')
  },
  120_000,
)

test('auth.issuers.claims.run: the claim that names the run', async () => {
  const idp = await startIssuer()
  closers.push(idp.close)
  const up = await scripted('modern')
  const auth = { issuers: [{ issuer: idp.issuer, claims: { run: 'task.id', team: 'department' } }] }
  const at = await admitting(closers, auth, { servers: { up: { url: up.url, era: 'modern' } } })
  const call = async (claims: Record<string, unknown>) =>
    modern(
      at.base,
      'tools/call',
      { name: 'up__read', arguments: {}, _meta: { 'signalbox.dev/run': 'stated' } },
      { headers: { authorization: `Bearer ${await idp.sign({ aud: resource, ...claims })}` } },
    )
  await call({ task: { id: 'job-9' } })
  await call({})
  expect(told(up).map(([run]) => run)).toEqual(['job-9', 'stated'])
})

test('a session is a run, and a client that states nothing has one that is made; servers of both eras hear of it', async () => {
  const [old, young] = [await scripted('legacy'), await scripted('modern')]
  const servers = { old: { url: old.url, era: 'legacy' }, young: { url: young.url, era: 'modern' } }
  const at = await admitting(closers, {}, { servers })
  const [one, two] = [await openSession(at.base), await openSession(at.base)]
  for (const session of [one, one, two]) {
    for (const name of ['old__read', 'young__read']) await legacy(at.base, session, 'tools/call', { name, arguments: {} })
  }
  for (const name of ['old__read', 'young__read']) await modern(at.base, 'tools/call', { name, arguments: {} })
  const runs = told(old).map(([run]) => run)
  expect(told(young)).toEqual(told(old))
  expect([runs[0] === runs[1], new Set(runs).size]).toEqual([true, 3])
  expect(told(old).map(([run, turn, baggage]) => [turn, baggage === `run.id=${run}`])).toEqual(Array(4).fill([undefined, true]))
  // Nobody who hears of a run can go on with its session.
  for (const session of [one, two]) for (const run of runs) expect(JSON.stringify(session)).not.toContain(run)
})
