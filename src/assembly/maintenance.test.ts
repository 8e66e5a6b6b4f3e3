// A real server is restarted under a steady stream of calls: none of them fails.
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../test/peers/free-port.ts'
import { startUnderTest, type UnderTest } from '../../test/peers/gateway.ts'
import { modern, send } from '../../test/peers/raw.ts'
import { fixtureStdio, startFixture } from '../../test/peers/servers.ts'

async function gatewayOf(server: Record<string, unknown>): Promise<UnderTest> {
  const gateway = await startUnderTest({ servers: { up: server } })
  onTestFinished(() => gateway.stop())
  return gateway
}

const act = async ({ admin }: UnderTest, action: string, waitMs = 20_000) =>
  JSON.parse((await send(`${admin}/admin/v1/upstreams/up/actions`, 'POST', JSON.stringify({ action, waitMs }))).text)
const pageOf = async ({ admin }: UnderTest) => JSON.parse((await send(`${admin}/admin/v1/upstreams`, 'GET', undefined)).text).upstreams[0]

/** Calls one after another, from several callers at once, until it is told to stop. */
function stream({ base }: UnderTest, callers = 4) {
  const answers: string[] = []
  let stopped = false
  const call = async (): Promise<void> => {
    const { message } = await modern(base, 'tools/call', { name: 'up__test_simple_text', arguments: {} })
    answers.push(
      message.result?.isError === true ? message.result.content[0].text : message.result === undefined ? JSON.stringify(message) : '',
    )
  }
  const caller = async (): Promise<void> => {
    while (!stopped) await call()
  }
  const running = Array.from({ length: callers }, caller)
  return {
    answers,
    /** So many more calls end. */
    more: (count: number) => {
      const from = answers.length
      return expect.poll(() => answers.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(from + count)
    },
    stop: async () => {
      stopped = true
      await Promise.all(running)
      return answers.filter((text) => text !== '')
    },
  }
}

describe('while an upstream is paused and resumed', () => {
  test.each(['modern', 'legacy'])('an HTTP server (%s) ends and begins anew, and no call fails', async (era) => {
    const port = await freePort()
    const env = { PORT: String(port), FIXTURE_ERA: era }
    const first = await startFixture(env)
    onTestFinished(() => first.stop())
    const gateway = await gatewayOf({ url: `http://127.0.0.1:${port}/mcp` })
    const calls = stream(gateway)
    await calls.more(20)
    expect(await act(gateway, 'pause')).toMatchObject({ name: 'up', state: 'paused', inFlight: 0, done: true })
    await expect.poll(async () => (await pageOf(gateway)).held).toBe(4)
    expect(await pageOf(gateway)).toMatchObject({ state: 'paused', reason: expect.stringContaining('operator') })
    expect((await send(`${gateway.base}/readyz`, 'GET', undefined)).status).toBe(200)
    const before = calls.answers.length
    await first.stop()
    const resumed = act(gateway, 'resume')
    const second = await startFixture(env)
    onTestFinished(() => second.stop())
    expect(calls.answers.length).toBe(before)
    expect(await resumed).toMatchObject({ state: 'serving', done: true })
    await calls.more(20)
    expect(await calls.stop()).toEqual([])
    expect((await pageOf(gateway)).held).toBeUndefined()
  })

  test.each(['modern', 'legacy'] as const)('the processes of a stdio server (%s) are killed, and no call fails', async (era) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
    const gateway = await gatewayOf(recorded(folder, era))
    const calls = stream(gateway)
    await calls.more(20)
    expect(await act(gateway, 'pause')).toMatchObject({ state: 'paused', done: true })
    const before = pidsIn(folder)
    // The first that a server of sessions was asked in has ended already.
    const alive = before.filter(isAlive)
    expect(alive.length).toBeGreaterThan(0)
    for (const pid of alive) process.kill(Number(pid), 'SIGKILL')
    expect(await act(gateway, 'resume')).toMatchObject({ state: 'serving', done: true })
    await calls.more(20)
    expect(await calls.stop()).toEqual([])
    expect(pidsIn(folder).length).toBeGreaterThan(before.length)
  })
})

test.each(['modern', 'legacy'] as const)('`restart` gives a stdio server (%s) a new process, and no call fails', async (era) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
  const gateway = await gatewayOf(recorded(folder, era))
  const calls = stream(gateway)
  await calls.more(20)
  const before = pidsIn(folder).length
  expect(await act(gateway, 'restart')).toMatchObject({ state: 'serving', done: true })
  await calls.more(20)
  expect(await calls.stop()).toEqual([])
  expect(pidsIn(folder).length).toBeGreaterThan(before)
  expect(pidsIn(folder).slice(0, before).filter(isAlive)).toEqual([])
})

/** The stdio fixture, each process of which writes its id down. */
function recorded(folder: string, era: 'modern' | 'legacy') {
  const { command, args, env } = fixtureStdio(era)
  const script = `require('fs').appendFileSync(${JSON.stringify(join(folder, 'pids'))}, process.pid + '\\n'); import(${JSON.stringify(args[0])})`
  return { command, args: ['-e', script, '--', ...args.slice(1)], env }
}

function pidsIn(folder: string): readonly string[] {
  return readFileSync(join(folder, 'pids'), 'utf8').trim().split('\n')
}

function isAlive(pid: string): boolean {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}
