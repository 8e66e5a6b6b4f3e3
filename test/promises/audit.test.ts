import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestsOf } from '../../src/gateway/contracts/judge/digests.ts'
import type { Result } from '../peers/clients.ts'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, type Scripted, scriptedStdio, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-audit-'))
let server: Scripted
let config: Record<string, unknown>
const file = join(folder, 'signalbox.yaml')

function signalbox(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

async function lines(...args: string[]): Promise<Record<string, unknown>[]> {
  const { out } = await signalbox('audit', 'query', '--json', ...args)
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

beforeAll(async () => {
  server = await startScripted({ era: 'modern', tools: [plainTool('read'), plainTool('drop'), plainTool('find_v1'), plainTool('find_v2')] })
  config = {
    stateDir: join(folder, 'state'),
    servers: { up: { url: server.url, era: 'modern' } },
    access: [
      { name: 'readers', use: ['up/read'] },
      { name: 'finders', use: ['up/find*'] },
    ],
  }
  writeFileSync(file, JSON.stringify(config))
  const gateway = await startProcess(config)
  await gateway.contractsRead('up/read', 'up/drop', 'up/find_v1', 'up/find_v2')
  for (const name of ['up__read', 'up__drop', 'up__read', 'up__find', 'up__find_v1'])
    await modern(gateway.base, 'tools/call', { name, arguments: {} })
  await gateway.end('SIGTERM')
}, 60_000)
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('audit query', () => {
  promise(['R18', 'R29'], 'says of a gateway that has ended who used what, and what was refused, by which rule', async () => {
    const rows = await lines('--about', 'access')
    expect(rows).toMatchObject([
      {
        about: 'call',
        decision: 'allowed',
        subject: 'anonymous',
        method: 'tools/call',
        upstream: 'up',
        item: 'read',
        rule: 'readers',
        outcome: 'complete',
        fault: null,
        result: { bytes: expect.any(Number) },
        transport: 'http',
        attempts: 1,
      },
      {
        decision: 'denied',
        upstream: 'up',
        item: 'drop',
        rule: 'default',
        outcome: 'fault',
        fault: { kind: 'forbidden', sideEffect: 'none' },
      },
      { decision: 'allowed', item: 'read' },
      { item: 'find_v2' },
      { item: 'find_v1' },
    ])
    expect(new Set(rows.map(({ hash }) => hash)).size).toBe(5)
    expect(String(rows[1]?.id)).toMatch(/^[0-9a-f-]{36}$/)
    expect(server.count('tools/call')).toBe(4)
  })

  promise(['R18'], 'names the credential of a configuration that a server was called with, by no value of it', async () => {
    const own = mkdtempSync(join(tmpdir(), 'signalbox-audit-static-'))
    const secret = 'kZ8mQ2vR5tX9bN4w'
    const config = {
      stateDir: join(own, 'state'),
      servers: {
        keyed: { url: server.url, era: 'modern', headers: { 'x-api-key': secret } },
        child: { ...scriptedStdio([plainTool('look')], `say({ id, result: { content: [] } })`), env: { API_TOKEN: secret } },
        open: { url: server.url, era: 'modern' },
      },
    }
    const gateway = await startProcess(config)
    try {
      const tools = ['keyed__read', 'child__look', 'open__read']
      await eventually(async () => {
        const { text } = await modern(gateway.base, 'tools/list', {})
        return tools.every((name) => text.includes(name))
      })
      for (const name of tools) await modern(gateway.base, 'tools/call', { name, arguments: {} })
      await gateway.end('SIGTERM')
      const kept = join(own, 'signalbox.json')
      writeFileSync(kept, JSON.stringify(config))
      const { out } = await signalbox('audit', 'query', '--json', '--about', 'call', '--config', kept)
      const rows = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Result]))
      const used = Object.fromEntries(rows.filter(({ method }) => method === 'tools/call').map(({ upstream, lease }) => [upstream, lease]))
      expect(used).toEqual({ keyed: 'static', child: 'static', open: null })
      expect(out).not.toContain(secret)
    } finally {
      gateway.child.kill('SIGKILL')
      rmSync(own, { recursive: true, force: true })
    }
  })

  promise(['R18', 'R82'], 'says which version of which tool was called, and by which contract', async () => {
    const digest = (name: string): string => digestsOf(plainTool(name)).contract
    const rows = await lines('--most', '3', '--about', 'access')
    expect(rows.map(({ item, version, contract }) => [item, version, contract])).toEqual([
      ['read', null, digest('read')],
      // The name without a version leads to the latest.
      ['find_v2', 2, digest('find_v2')],
      ['find_v1', 1, digest('find_v1')],
    ])
    const { out } = await signalbox('audit', 'query', '--tool', 'up/find_v1')
    expect(out).toContain(`v1 ${digest('find_v1').slice(0, 15)}`)
  })

  it('finds by subject, tool, time and verdict', async () => {
    expect(await lines('--tool', 'up/read')).toHaveLength(2)
    expect(await lines('--tool', 'up', '--denied')).toHaveLength(1)
    expect(await lines('--principal', 'bob')).toEqual([])
    expect(await lines('--to', '1d')).toEqual([])
  }, 60_000)

  it('finds by call, run and fault, the newest so many, and shows them to people', async () => {
    expect(await lines('--fault', 'forbidden')).toHaveLength(1)
    const [row, ...more] = await lines('--tool', 'up/read', '--most', '1')
    expect(more).toEqual([])
    expect(await lines('--call', String(row?.id))).toEqual([row])
    expect(await lines('--run', String(row?.run))).toHaveLength(5)
    const { out } = await signalbox('audit', 'query')
    expect(out).toMatch(/DENIED +call +anonymous +\S* +up\/drop +default/)
  }, 60_000)

  it.each([
    [['--from', 'yesterday'], /--from/],
    [['--to', 'x'], /--to/],
    [['--most', '0'], /--most/],
  ])('refuses %j', async (args, says) => {
    const { code, err } = await signalbox('audit', 'query', ...args)
    expect([code, err]).toEqual([2, expect.stringMatching(says)])
  })

  it('says so where nothing was kept', async () => {
    const empty = join(folder, 'empty.yaml')
    writeFileSync(empty, 'stateDir: nowhere\nservers: {a: {command: x}}\n')
    const { code, err } = await signalbox('audit', 'query', '--config', empty)
    expect([code, err]).toEqual([11, expect.stringContaining('There is no store')])
  })
})

promise('R60', 'the audit and the log say what was masked in a result, how often and by which rule, and never the value', async () => {
  const secret = `ghp_${'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1'}`
  const tools = [plainTool('read'), plainTool('fails')]
  const giving = await startScripted({
    era: 'modern',
    tools,
    call: ({ name, answer, fail }) => {
      if (name === 'read') answer({ ...textResult(`${secret} ${secret}`), structuredContent: { password: 'hunter2-is-it' } })
      else fail(-32_000, `no: ${secret}`)
    },
  })
  const stateDir = join(folder, 'masking')
  const masking = {
    stateDir,
    servers: { up: { url: giving.url, era: 'modern' } },
    tools: { '*': { secrets: 'mask' }, 'up/fails': { secrets: 'pass' } },
  }
  const gateway = await startProcess(masking)
  const read = await modern(gateway.base, 'tools/call', { name: 'up__read', arguments: {} })
  expect(read.text).not.toContain(secret)
  // What is passed on to the caller is in no log all the same.
  expect((await modern(gateway.base, 'tools/call', { name: 'up__fails', arguments: {} })).text).toContain(secret)
  await gateway.end('SIGTERM')
  await giving.close()
  const path = join(folder, 'masking.json')
  writeFileSync(path, JSON.stringify(masking))
  const rows = await lines('--about', 'content', '--config', path)
  expect(rows).toMatchObject([{ about: 'call', upstream: 'up', item: 'read', masked: { github_token: 2, named_secret: 1 } }])
  expect(JSON.stringify(await lines('--config', path))).not.toContain(secret)
  const { out } = await signalbox('audit', 'query', '--about', 'content', '--config', path)
  expect(out).toMatch(/call +anonymous +.*up\/read .*masked: github_token 2, named_secret 1/)
  const log = gateway.log()
  expect(log).toMatch(/"target":"up__read".*"masked":\{"github_token":2,"named_secret":1\}/)
  expect(log).toMatch(/"target":"up__fails".*"message":"[^"]*\[redacted:github_token\]/)
  expect(log).not.toContain(secret)
})

describe('audit export', () => {
  it.each(['jsonl', 'csv', 'ocsf'])('gives all rows to other tools: %s', async (format) => {
    const { code, out } = await signalbox('audit', 'export', '--format', format, '--tool', 'up')
    expect(code).toBe(0)
    const rows = out.trimEnd().split('\n')
    if (format === 'csv') {
      const head = (rows.shift() ?? '').split(',')
      expect(rows.map((row) => row.split(',')[head.indexOf('item')])).toEqual(['read', 'drop', 'read', 'find_v2', 'find_v1'])
      return
    }
    const read = rows.map((row) => JSON.parse(row))
    expect(read.map((row) => row.item ?? row.resources[0].name)).toEqual(['read', 'drop', 'read', 'find_v2', 'find_v1'])
    if (format === 'ocsf') expect(read[1]).toMatchObject({ class_uid: 6003, status_code: 'forbidden', unmapped: { rule: 'default' } })
  })

  it('knows no other format', async () => {
    const { code, err } = await signalbox('audit', 'export', '--format', 'xml')
    expect([code, err]).toEqual([2, expect.stringMatching(/--format is one of jsonl, csv, ocsf/)])
  })
})

promise('R29', 'audit verify tells a whole chain', async () => {
  const { code, out } = await signalbox('audit', 'verify')
  expect(out).toMatch(/ 0 +\d+ +[0-9a-f]{16} +whole +ended/)
  expect(code).toBe(0)
})

it('audit.retention: older rows go', async () => {
  const gateway = await startProcess({ ...config, audit: { retention: '1ms' } })
  expect(await eventually(async () => (await lines('--about', 'call')).length === 0, 20_000)).toBe(true)
  await gateway.end('SIGTERM')
})
