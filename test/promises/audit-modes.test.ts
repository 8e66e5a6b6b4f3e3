// What `audit` of the configuration changes, at gateways as users start them.
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { anchorsIn } from '../../src/observe/audit/chain.ts'
import { signalbox } from '../peers/command-line.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-audit-modes-'))
let server: Scripted
const running: GatewayProcess[] = []
let states = 0

beforeAll(async () => {
  server = await startScripted({
    era: 'modern',
    tools: [{ ...plainTool('read'), annotations: { readOnlyHint: true } }, plainTool('write')],
  })
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.end('SIGKILL')
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function gateway(audit: Record<string, unknown>, stateDir = join(folder, `state-${states++}`)) {
  const config = { stateDir, audit, servers: { up: { url: server.url, era: 'modern' } } }
  const file = join(folder, `config-${states++}.json`)
  writeFileSync(file, JSON.stringify(config))
  const started = await startProcess(config)
  running.push(started)
  const call = async (name: string) =>
    (await modern(started.base, 'tools/call', { name: `up__${name}`, arguments: { secret: 'hunter2', city: 'Oslo' } })).message
  await eventually(async () => (await call('read')).result !== undefined)
  return { started, stateDir, file, call, db: join(stateDir, 'audit.db') }
}

const kindOf = (message: Awaited<ReturnType<Awaited<ReturnType<typeof gateway>>['call']>>): string =>
  message.result?._meta?.['signalbox.dev/fault']?.kind ?? message.error?.data?.['signalbox.dev/fault']?.kind ?? 'answered'

describe('while the audit cannot be written', () => {
  /** As a backup or a shell does that holds the file. */
  async function held(audit: Record<string, unknown>) {
    const made = await gateway(audit)
    const other = new DatabaseSync(made.db)
    other.exec('BEGIN IMMEDIATE')
    // The write that finds out.
    await made.call('read')
    await made.started.logged(/The audit cannot be written/)
    const before = server.count('tools/call')
    const kinds = [kindOf(await made.call('read')), kindOf(await made.call('write'))]
    const reached = server.count('tools/call') - before
    other.exec('ROLLBACK')
    other.close()
    await made.started.logged(/The audit is written again/)
    expect([kindOf(await made.call('read')), kindOf(await made.call('write'))]).toEqual(['answered', 'answered'])
    return { kinds, reached }
  }

  promise('R69', 'a durable audit lets no call begin, and again by itself', async () => {
    expect(await held({ mode: 'durable' })).toEqual({ kinds: ['store_unavailable', 'store_unavailable'], reached: 0 })
  })

  it.each([
    [{ mode: 'durable', onLoss: 'writes' }, ['answered', 'store_unavailable'], 1],
    [{ mode: 'durable', onLoss: 'open' }, ['answered', 'answered'], 2],
    [{ mode: 'buffered' }, ['answered', 'answered'], 2],
    [{ mode: 'buffered', onLoss: 'closed' }, ['store_unavailable', 'store_unavailable'], 0],
  ] as const)('%j', async (audit, kinds, reached) => {
    expect(await held(audit)).toEqual({ kinds, reached })
  })
})

it.each([
  [{ arguments: 'none' }, null],
  [{ arguments: 'redacted' }, { secret: '[redacted:secret]', city: 'Oslo' }],
  [{}, { secret: '[redacted:secret]', city: 'Oslo' }],
  [{ arguments: 'hashed' }, expect.stringMatching(/^hmac-sha256:[\w-]{43}$/)],
])('what rows keep of arguments: %j', async (audit, kept) => {
  const { file, call, started } = await gateway({ mode: 'durable', ...audit })
  await call('write')
  const { out } = await signalbox(folder, 'audit', 'query', '--tool', 'up/write', '--json', '--config', file)
  expect(JSON.parse(out)).toMatchObject({ arguments: kept, item: 'write' })
  await started.end('SIGTERM')
})

promise('R29', 'anchors that are kept elsewhere show that the end of the audit was cut off', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const pem = join(folder, 'key.pem')
  writeFileSync(pem, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  chmodSync(pem, 0o600)
  const pub = join(folder, 'key.pub')
  writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }))
  const anchors = join(folder, 'anchors.jsonl')
  const audit = { mode: 'durable', anchors: join(folder, 'anchors.jsonl'), key: readFileSync(pem, 'utf8') }
  const { started, file, db, call } = await gateway(audit)
  for (let n = 0; n < 5; n += 1) await call('write')
  await started.end('SIGTERM')
  const log = join(folder, 'log.jsonl')
  writeFileSync(log, started.log())
  expect(anchorsIn(readFileSync(log, 'utf8'))).toEqual(anchorsIn(readFileSync(anchors, 'utf8')))
  for (const kept of [anchors, log]) {
    const { code, out } = await signalbox(folder, 'audit', 'verify', '--anchors', kept, '--key', pub, '--config', file)
    expect([code, out]).toEqual([0, expect.stringMatching(/2 anchors agree/)])
  }
  const database = new DatabaseSync(db)
  database.exec('DELETE FROM audit_chain_batches WHERE first = (SELECT MAX(first) FROM audit_chain_batches)')
  database.close()
  const { code, out } = await signalbox(folder, 'audit', 'verify', '--anchors', anchors, '--config', file)
  expect([code, out]).toEqual([1, expect.stringMatching(/the end is missing: an anchor tells of row/)])
})
