// `signalbox upstream`, run as an operator runs it, at a gateway that serves.
import { tmpdir } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { signalbox } from '../../../test/peers/command-line.ts'
import { startUnderTest } from '../../../test/peers/gateway.ts'
import { modern } from '../../../test/peers/raw.ts'
import { plainTool, startScripted } from '../../../test/peers/scripted.ts'

test('holds the calls of a server and lets them go on, by exit codes and in words', async () => {
  const server = await startScripted({ era: 'modern', tools: [plainTool('read')] })
  onTestFinished(() => server.close())
  const gateway = await startUnderTest({ servers: { up: { url: server.url } } })
  onTestFinished(() => gateway.stop())
  const upstream = (...args: string[]) => signalbox(tmpdir(), 'upstream', ...args, '--url', gateway.admin)

  expect(await upstream('pause', 'up')).toEqual({ code: 0, out: 'up is paused: 0 in flight, 0 held.\n', err: '' })
  const held = modern(gateway.base, 'tools/call', { name: 'up__read', arguments: {} })
  await expect.poll(async () => (await upstream('ls')).out, { timeout: 10_000 }).toContain('1 held')
  expect(JSON.parse((await upstream('ls', '--json')).out).upstreams).toMatchObject([{ name: 'up', state: 'paused', held: 1 }])
  expect(server.count('tools/call')).toBe(0)
  expect(JSON.parse((await upstream('resume', 'up', '--json')).out)).toMatchObject({ name: 'up', state: 'serving', done: true })
  expect((await held).message.result.content[0].text).toBe('read was called')

  const unknown = await upstream('pause', 'nobody')
  expect([unknown.code, unknown.out]).toEqual([1, ''])
  expect(unknown.err).toContain('has no server "nobody"')
  expect((await upstream('pause', 'up', '--wait', 'soon')).code).toBe(2)
}, 60_000)

test('lists each endpoint of a server that has several, and what is wrong with it', async () => {
  const [server, gone] = [
    await startScripted({ era: 'modern', tools: [plainTool('read')] }),
    await startScripted({ era: 'modern', tools: [] }),
  ]
  onTestFinished(() => server.close())
  await gone.close()
  const gateway = await startUnderTest({ servers: { up: { endpoints: [gone.url, server.url] } } })
  onTestFinished(() => gateway.stop())
  const { code, out } = await signalbox(tmpdir(), 'upstream', 'ls', '--url', gateway.admin)
  expect(code).toBe(0)
  const lineOf = (url: string) => out.split('\n').find((line) => line.includes(url))
  expect(lineOf(gone.url)).toMatch(/(ejected +0 in flight +until \d{4}-|trial)/)
  expect(lineOf(server.url)).toMatch(/ready +0 in flight/)
}, 60_000)
