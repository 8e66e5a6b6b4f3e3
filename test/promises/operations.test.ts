// What operators do to a running gateway is in its audit, whoever looks for it afterwards.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { signalbox } from '../peers/command-line.ts'
import { startProcess } from '../peers/process.ts'
import { modern, send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

promise(
  'R29',
  'what operators did to servers and limits is found by what it was and by server, with who, when and what came of it',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-operations-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const server = await startScripted({ era: 'modern', tools: [plainTool('read')] })
    onTestFinished(() => server.close())
    const config = {
      stateDir: join(folder, 'state'),
      servers: { up: { url: server.url, era: 'modern' } },
      tools: { 'up/read': { rate: '5/1d' } },
    }
    writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
    const gateway = await startProcess(config)
    const run = (...args: string[]) => signalbox(folder, ...args, '--url', gateway.admin, '--json')
    await modern(gateway.base, 'tools/call', { name: 'up__read', arguments: {} })
    const [limit] = JSON.parse((await send(`${gateway.admin}/admin/v1/budgets`, 'GET', undefined)).text).budgets
    const before = Date.now()
    const who = userInfo().username
    expect((await run('upstream', 'pause', 'up')).code).toBe(0)
    // As other programs do it.
    for (const action of ['resume', 'restart', 'drain']) {
      const path = `${gateway.admin}/admin/v1/upstreams/up/actions`
      expect((await send(path, 'POST', JSON.stringify({ action }), { headers: { 'signalbox-operator': who } })).status).toBe(200)
    }
    expect((await run('upstream', 'pause', 'nowhere')).code).toBe(1)
    expect((await run('limits', 'clear', limit.id)).code).toBe(0)
    await gateway.end('SIGTERM')

    const rows = async (...args: string[]) => {
      const { out } = await signalbox(folder, 'audit', 'query', '--json', ...args)
      return out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    }
    const found = await rows('--about', 'operation')
    expect(found.map(({ method, upstream, decision }) => [method, upstream, decision === 'allowed'])).toEqual([
      ['pause', 'up', true],
      ['resume', 'up', true],
      ['restart', 'up', true],
      ['drain', 'up', true],
      ['pause', 'nowhere', false],
      ['clear', 'up', true],
    ])
    for (const { reason, at, rule } of found) {
      expect(rule).toBe('operator')
      expect(reason).toContain(`by an operator who is called ${who} (127.0.0.1)`)
      expect(Date.parse(at)).toBeGreaterThanOrEqual(before)
    }
    expect(found[0].reason).toContain('paused, 0 in flight, 0 held')
    expect(found[3].reason).toContain('drained')
    expect(found[5]).toMatchObject({ item: 'read', reason: expect.stringContaining(limit.id) })
    expect(await rows('--tool', 'up/read', '--about', 'operation')).toHaveLength(1)
    expect((await signalbox(folder, 'audit', 'verify')).code).toBe(0)
  },
  120_000,
)
