// No key is accepted and then forgotten: every leaf of the settings has a row here that shows, against the real gateway, what turning it
// changes, or names the test that shows it.
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { pipeline, type Stages } from '../src/gateway/pipeline.ts'
import { configurationSchema } from '../src/operate/cli/schema.ts'
import { startBlackHole } from './chaos/l4-proxy.ts'
import type { Result } from './peers/clients.ts'
import { freePort } from './peers/free-port.ts'
import { startUnderTest, type UnderTest } from './peers/gateway.ts'
import { startProcess } from './peers/process.ts'
import { eventually } from './peers/processes.ts'
import { type Answer, legacy, metric, modern, openSession, send, upstreamsOf } from './peers/raw.ts'
import { plainTool, type Script, type Scripted, scriptedStdio, startScripted, textResult } from './peers/scripted.ts'
import { everything, root } from './peers/servers.ts'
import { type Elsewhere, elsewhere } from './settings-elsewhere.ts'
import { rowsOf } from './stores/rows.ts'

type Row = (() => Promise<unknown>) | Elsewhere

const folder = mkdtempSync(join(tmpdir(), 'signalbox-settings-'))
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function gateway(config: Record<string, unknown>): Promise<UnderTest> {
  const started = await startUnderTest(config)
  open.push(started.stop)
  return started
}

async function server(script: Script = {}): Promise<Scripted> {
  const started = await startScripted(script)
  open.push(started.close)
  return started
}

/** A gateway in front of one scripted session-era server without sessions, called `up`. */
async function pair(config: Record<string, unknown> = {}, script: Script = {}, own: Record<string, unknown> = {}) {
  const up = await server(script)
  const running = await gateway({ ...config, servers: { up: { url: up.url, era: 'legacy', ...own } } })
  return { base: running.base, admin: running.admin, running, up }
}

const mount = '/up'
const call = (base: string, name = 'echo', asking = {}): Promise<Answer> =>
  modern(base, 'tools/call', { name, arguments: {} }, { mount, ...asking })
const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']
const toolNames = async (base: string, at = ''): Promise<string[]> =>
  (await modern(base, 'tools/list', {}, { mount: at })).message.result.tools.map((tool: { name: string }) => tool.name)
const stateOf = async (admin: string, name = 'up') => (await upstreamsOf(admin)).find((one) => one.name === name)
const silent = { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], era: 'legacy' }

/** Runs with the key in its gateway-wide place and as an override of one server. */
const limitsAt = (place: 'global' | 'server', limits: Record<string, number>) =>
  place === 'global' ? { config: { timeouts: limits }, own: {} } : { config: {}, own: { timeouts: limits } }

function timeoutRows(place: 'global' | 'server'): Record<string, Row> {
  const prefix = place === 'global' ? 'timeouts' : 'servers.NAME.timeouts'
  return {
    [`${prefix}.call`]: async () => {
      const { config, own } = limitsAt(place, { call: 200, connect: 200 })
      const { base } = await pair(config, { call: () => undefined }, own)
      expect(faultOf(await call(base))).toMatchObject({ kind: 'upstream_timeout', detail: { afterMs: expect.any(Number) } })
    },
    [`${prefix}.maximum`]: async () => {
      const { config, own } = limitsAt(place, { call: 400, maximum: 900 })
      const timers: NodeJS.Timeout[] = []
      const { base } = await pair(
        config,
        {
          call: ({ params, res }) => {
            res.writeHead(200, { 'content-type': 'text/event-stream' })
            let progress = 0
            const { progressToken } = params._meta
            const step = (): void => {
              progress += 1
              res.write(
                `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } })}\n\n`,
              )
            }
            timers.push(setInterval(step, 100))
          },
        },
        own,
      )
      const began = performance.now()
      const answer = await modern(base, 'tools/call', { name: 'echo', arguments: {}, _meta: { progressToken: 1 } }, { mount })
      for (const timer of timers) clearInterval(timer)
      expect(faultOf(answer).kind).toBe('upstream_timeout')
      // Progress carried it over `call`, and `maximum` ended it.
      expect(performance.now() - began).toBeGreaterThan(850)
    },
    [`${prefix}.connect`]: async () => {
      const { config, own } = limitsAt(place, { connect: 300 })
      const { port, stop } = await startBlackHole()
      open.push(stop)
      const running = await gateway({ ...config, servers: { up: { url: `http://127.0.0.1:${port}/mcp`, ...own } } })
      expect((await stateOf(running.admin))?.reason).toContain('300 ms')
    },
    [`${prefix}.start`]: async () => {
      const { config, own } = limitsAt(place, { start: 300, probe: 200, connect: 200 })
      const began = performance.now()
      const running = await gateway({ ...config, servers: { up: { ...silent, ...own } } })
      // Far below the standard of 30 s.
      expect(performance.now() - began).toBeLessThan(20_000)
      expect((await stateOf(running.admin))?.state).toBe('unavailable')
    },
    [`${prefix}.probe`]: async () => {
      const { config, own } = limitsAt(place, { probe: 300, connect: 300, start: 1_000 })
      let said = ''
      const deaf = createServer((socket) => {
        socket
          .on('error', () => undefined)
          .on('data', (chunk) => {
            said += chunk
          })
      })
      await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
      open.push(() => new Promise((resolve) => deaf.close(() => resolve())))
      const address = deaf.address()
      const port = typeof address === 'object' ? address?.port : 0
      await gateway({ ...config, servers: { up: { url: `http://127.0.0.1:${port}/mcp`, ...own } } })
      // What is not answered is followed by `initialize`: by the standard of 4 s after that, here before.
      expect(await eventually(() => said.includes('"initialize"'), 3_500)).toBe(true)
      expect(said).toContain('server/discover')
    },
  }
}

const rows: Record<string, Row> = {
  ...elsewhere,
  profile: async () => {
    const origin = { headers: { origin: 'http://localhost:5173' } }
    for (const [profile, status] of [
      ['dev', 200],
      ['production', 403],
    ] as const) {
      const { base } = await pair({ profile })
      expect((await call(base, 'echo', origin)).status).toBe(status)
    }
  },
  listen: async () => {
    const port = await freePort()
    const running = await startProcess({ listen: `127.0.0.1:${port}`, admin: { listen: '127.0.0.1:0' }, servers: {} })
    expect(running.base).toBe(`http://127.0.0.1:${port}`)
    await running.end('SIGTERM')
  },

  'admin.listen': async () => {
    const port = await freePort()
    const here = await startProcess({ admin: { listen: `127.0.0.1:${port}` }, servers: {} })
    expect(here.admin).toBe(`http://127.0.0.1:${port}`)
    expect((await send(`${here.admin}/metrics`, 'GET', undefined)).text).toContain('signalbox_sessions')
    await here.end('SIGTERM')
    const none = await startProcess({ admin: { listen: 'off' }, servers: {} })
    expect(none.admin).toBe('')
    await none.end('SIGTERM')
  },

  'servers.NAME.command': () => childSees(),
  'servers.NAME.args': () => childSees(),
  'servers.NAME.env': () => childSees(),
  'servers.NAME.cwd': () => childSees(),
  'servers.NAME.url': async () => {
    const { base, up } = await pair()
    await call(base)
    expect(up.count('tools/call')).toBe(1)
  },
  'servers.NAME.endpoints': async () => {
    const replicas = [await server({ era: 'modern' }), await server({ era: 'modern' })]
    const dead = `http://127.0.0.1:${await freePort()}/mcp`
    const running = await gateway({ servers: { up: { endpoints: [...replicas.map(({ url }) => url), dead] } } })
    for (let n = 0; n < 6; n += 1) expect((await call(running.base)).message.result.isError).toBeUndefined()
    for (const replica of replicas) expect(replica.count('tools/call')).toBeGreaterThan(0)
  },
  'servers.NAME.headers': async () => {
    const { base, up } = await pair({}, {}, { headers: { 'X-Static-Key': 'static-value' } })
    await call(base)
    expect(up.seen.every(({ headers }) => headers['x-static-key'] === 'static-value')).toBe(true)
  },
  'servers.NAME.transport': async () => {
    expect((await stateOf((await pair({}, {}, { transport: 'auto' })).admin))?.state).toBe('ready')
    const { admin, up } = await pair({}, {}, { transport: 'sse' })
    expect((await stateOf(admin))?.state).toBe('unavailable')
    expect(up.seen[0]?.verb).toBe('GET')
  },
  'servers.NAME.era': async () => {
    expect((await stateOf((await pair({}, { era: 'modern' }, { era: 'auto' })).admin))?.state).toBe('ready')
    const { admin, up } = await pair({}, { era: 'modern' }, { era: 'legacy' })
    expect((await stateOf(admin))?.state).toBe('unavailable')
    expect(up.count('server/discover')).toBe(0)
  },
  'servers.NAME.enabled': async () => {
    const { base, admin, up } = await pair({}, {}, { enabled: false })
    expect(await upstreamsOf(admin)).toEqual([])
    expect((await call(base)).status).toBe(404)
    expect(up.seen).toEqual([])
  },
  'servers.NAME.bareNames': async () => {
    expect(await toolNames((await pair()).base)).toEqual(['up__echo'])
    expect(await toolNames((await pair({}, {}, { bareNames: true })).base)).toEqual(['echo'])
  },
  'servers.NAME.forwardHeaders': async () => {
    const headers = { 'x-user': 'ada', 'x-other': 'not this' }
    const { base, up } = await pair({}, {}, { forwardHeaders: { 'X-User': 'X-Remote-User' } })
    await call(base, 'echo', { headers })
    const sent = up.seen.find(({ method }) => method === 'tools/call')?.headers
    expect(sent?.['x-remote-user']).toBe('ada')
    expect(sent?.['x-other']).toBeUndefined()
  },
  'servers.NAME.concurrency': async () => {
    for (const concurrency of [1, 3]) {
      const held: (() => void)[] = []
      const script: Script = { call: ({ answer }) => void held.push(() => answer(textResult('done'))) }
      const { base, admin } = await pair({}, script, { concurrency })
      const calls = Array.from({ length: 6 }, () => call(base))
      const gauge = async (name: string) => (await metric(admin, name)).get('upstream="up"')
      for (let left = 6; left > 0; left -= concurrency) {
        const waiting = Math.max(0, left - concurrency)
        expect(await eventually(async () => held.length === concurrency && (await gauge('signalbox_upstream_queued')) === waiting)).toBe(
          true,
        )
        for (const answer of held.splice(0)) answer()
      }
      await Promise.all(calls)
    }
  },
  ...timeoutRows('server'),
  ...timeoutRows('global'),

  'toolsets.NAME.include': () => toolset({ include: ['up/read*', 'up/echo'] }, ['up__echo', 'up__read_a', 'up__read_b']),
  'toolsets.NAME.exclude': () => toolset({ include: ['up'], exclude: ['up/read*'] }, ['up__echo', 'up__write']),
  'toolsets.NAME.rename': () => toolset({ include: ['up/echo'], rename: { 'up/echo': 'say' } }, ['say']),
  'toolsets.NAME.describe': async () => {
    const tools = await toolset({ include: ['up/echo'], describe: { 'up/echo': 'Says it again.' } }, ['up__echo'])
    expect(tools[0]?.description).toBe('Says it again.')
  },

  'tools.NAME.arguments': async () => {
    const tools = [plainTool('echo', { inputSchema: { type: 'object', properties: { n: { type: 'integer' } } } })]
    for (const [handling, sent] of [
      ['coerce', 1],
      ['strict', undefined],
      ['pass', '1'],
    ] as const) {
      const { base, admin, up } = await pair({ tools: { 'up/echo': { arguments: handling } } }, { tools })
      const answer = await modern(base, 'tools/call', { name: 'echo', arguments: { n: '1' } }, { mount })
      expect(up.seen.find(({ method }) => method === 'tools/call')?.params.arguments.n).toBe(sent)
      expect(faultOf(answer)?.kind).toBe(handling === 'strict' ? 'invalid_arguments' : undefined)
      const counted = await metric(admin, 'signalbox_coerced_arguments_total')
      expect(counted.get('upstream="up",item="echo"')).toBe(handling === 'coerce' ? 1 : undefined)
    }
  },

  'limits.queue': async () => {
    for (const [queue, refused] of [
      [0, 2],
      [1, 1],
    ] as const) {
      const held: (() => void)[] = []
      const { base } = await pair(
        { limits: { queue } },
        { call: ({ answer }) => void held.push(() => answer(textResult('done'))) },
        { concurrency: 1 },
      )
      const early: Answer[] = []
      const calls = Array.from({ length: 3 }, () => call(base).then((answer) => early.push(answer)))
      expect(await eventually(() => early.length === refused && held.length === 1)).toBe(true)
      expect(early.filter((answer) => faultOf(answer)?.kind === 'overloaded')).toHaveLength(refused)
      for (let done = 0; done < 3 - refused; done += 1) {
        expect(await eventually(() => held.length > 0)).toBe(true)
        held.shift()?.()
      }
      await Promise.all(calls)
    }
  },
  'limits.resultBytes': async () => {
    const big = { call: ({ answer }: { answer(result: unknown): void }) => answer(textResult('x'.repeat(20_000))) }
    expect(JSON.stringify((await call((await pair({}, big)).base)).message)).not.toContain('resource_link')
    expect(JSON.stringify((await call((await pair({ limits: { resultBytes: 5_000 } }, big)).base)).message)).toContain('resource_link')
  },
  'limits.messageBytes': async () => {
    const big = { call: ({ answer }: { answer(result: unknown): void }) => answer(textResult('x'.repeat(20_000))) }
    const { base } = await pair({ limits: { resultBytes: 5_000, messageBytes: 10_000 } }, big)
    expect(faultOf(await call(base))).toMatchObject({ kind: 'result_too_large', detail: { limit: 10_000 } })
  },
  'limits.eventBytes': async () => {
    const big = { call: ({ answer }: { answer(result: unknown): void }) => answer(textResult('x'.repeat(20_000))) }
    const { base } = await pair({ limits: { eventBytes: 5_000 } }, big)
    expect(JSON.stringify((await call(base)).message)).not.toContain('resource_link')
    const streamed = await call(base, 'echo', { headers: { accept: 'text/event-stream' } })
    expect(JSON.stringify(streamed.message)).toContain('"limit":5000')
  },
  'limits.listBytes': async () => {
    const tools = [plainTool('echo'), plainTool('second', { description: 'x'.repeat(2_000) })]
    expect(await toolNames((await pair({}, { tools })).base, mount)).toEqual(['echo', 'second'])
    const { base, admin } = await pair({ limits: { listBytes: 2_000 } }, { tools })
    expect(await toolNames(base, mount)).toEqual(['echo'])
    expect(JSON.stringify(await upstreamsOf(admin))).toContain('is over the 2000 bytes')
  },
  'limits.spills': async () => {
    const big = { call: ({ answer }: { answer(result: unknown): void }) => answer(textResult('x'.repeat(20_000))) }
    const none = await pair({ limits: { resultBytes: 5_000, spills: 0 } }, big)
    expect(faultOf(await call(none.base)).kind).toBe('result_too_large')
    const { base } = await pair({ limits: { resultBytes: 5_000, spills: 1 } }, big)
    const links = [await call(base), await call(base)].map(({ message }) => message.result.content[1].uri as string)
    const read = (uri = '') => modern(base, 'resources/read', { uri }, { mount })
    expect((await read(links[0])).message.error).toBeDefined()
    expect((await read(links[1])).message.result).toBeDefined()
  },
  'limits.parked': async () => {
    const running = await gateway({ limits: { parked: 1 }, servers: { everything } })
    const ask = () =>
      modern(
        running.base,
        'tools/call',
        { name: 'trigger-elicitation-request', arguments: {} },
        {
          mount: '/everything',
          capabilities: { elicitation: { form: {} } },
        },
      )
    expect((await ask()).message.result.resultType).toBe('input_required')
    const second = await ask()
    expect(second.message.result?.resultType, second.text).not.toBe('input_required')
  },
  'limits.breakerFailures': async () => {
    for (const breakerFailures of [1, 3]) {
      const { base, up } = await pair({ limits: { breakerFailures } }, { call: ({ res }) => void res.destroy() })
      for (let n = 0; n < 5; n += 1) await call(base)
      expect(up.count('tools/call')).toBe(breakerFailures)
    }
  },
  'limits.breakerOpenMs': async () => {
    const { base, up } = await pair({ limits: { breakerFailures: 1, breakerOpenMs: 150 } }, { call: ({ res }) => void res.destroy() })
    await call(base)
    expect(faultOf(await call(base)).kind).toBe('circuit_open')
    expect(await eventually(async () => faultOf(await call(base)).kind === 'outcome_unknown', 2_000)).toBe(true)
    expect(up.count('tools/call')).toBe(2)
  },

  'http.hosts': async () => {
    const host = { headers: { host: 'gateway.example' } }
    expect((await call((await pair()).base, 'echo', host)).status).toBe(403)
    expect((await call((await pair({ http: { hosts: ['gateway.example'] } })).base, 'echo', host)).status).toBe(200)
  },
  'http.origins': async () => {
    const origin = { headers: { origin: 'https://app.example' } }
    expect((await call((await pair()).base, 'echo', origin)).status).toBe(403)
    const { base } = await pair({ http: { origins: ['https://app.example'] } })
    expect((await call(base, 'echo', origin)).headers['access-control-allow-origin']).toBe('https://app.example')
  },
  'http.bodyBytes': async () => {
    const { base } = await pair({ http: { bodyBytes: 1_000 } })
    expect((await call(base)).status).toBe(200)
    expect((await modern(base, 'tools/call', { name: 'echo', arguments: { long: 'x'.repeat(1_000) } }, { mount })).status).toBe(413)
  },
  'http.keepAliveMs': async () => {
    let release = (): void => {}
    const { base } = await pair(
      { http: { keepAliveMs: 100 } },
      {
        call: ({ answer }) => {
          release = () => {
            release = () => {}
            answer(textResult('late'))
          }
        },
      },
    )
    let heard = ''
    const onText = (text: string): void => {
      heard += text
      if ((heard.match(/^:/gm)?.length ?? 0) >= 2) release()
    }
    expect((await call(base, 'echo', { onText })).message.result).toMatchObject(textResult('late'))
  },

  'sessions.idleMs': async () => {
    const { base, admin } = await pair({ sessions: { idleMs: 250 } })
    const session = await openSession(base, { mount })
    const list = () => legacy(base, session, 'tools/list', {}, { mount })
    expect((await list()).status).toBe(200)
    expect(await eventually(async () => (await metric(admin, 'signalbox_sessions')).get('transport="http"') === 0)).toBe(true)
    expect((await list()).status).toBe(404)
  },
  'sessions.most': async () => {
    const { base } = await pair({ sessions: { most: 2 } })
    const sessions = [await openSession(base, { mount })]
    for (let n = 0; n < 2; n += 1) sessions.push(await openSession(base, { mount }))
    const statuses = await Promise.all(
      sessions.map((session) => legacy(base, session, 'tools/list', {}, { mount }).then(({ status }) => status)),
    )
    expect(statuses).toEqual([404, 200, 200])
  },
  'sse.enabled': async () => {
    const { base } = await pair({ sse: { enabled: false } })
    expect((await send(`${base}/sse`, 'GET', undefined)).status).toBe(404)
    const on = await pair()
    const controller = new AbortController()
    expect((await fetch(`${on.base}/sse`, { signal: controller.signal })).status).toBe(200)
    controller.abort()
  },
  'drain.graceMs': async () => {
    for (const graceMs of [100, 1_200]) {
      const { base, running, up } = await pair({ drain: { graceMs } }, { call: () => undefined })
      const hanging = call(base).catch(() => undefined)
      expect(await eventually(() => up.count('tools/call') === 1)).toBe(true)
      const began = performance.now()
      await running.running.drain()
      await hanging
      const took = performance.now() - began
      expect(took).toBeGreaterThanOrEqual(graceMs - 20)
      // The standard is 10 s.
      expect(took).toBeLessThan(9_500)
    }
  },

  'log.level': async () => {
    expect(await logOf({ level: 'info' })).toContain('"Serving"')
    expect(await logOf({ level: 'error' })).not.toContain('"event"')
  },
  'log.format': async () => {
    expect(await logOf({ format: 'json' })).toMatch(/^\{"level":"info".*"event":"call"\}$/m)
    expect(await logOf({ format: 'human' })).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}call /m)
  },
  'log.calls': async () => {
    expect(await logOf({ calls: true })).toContain('"event":"call"')
    expect(await logOf({ calls: false })).not.toContain('"event":"call"')
  },
  'telemetry.stages': async () => {
    const names = async (config: Record<string, unknown>): Promise<string[]> => {
      const { base, admin } = await pair(config)
      await call(base)
      return [...(await metric(admin, 'signalbox_stage_passes_total'))].flatMap(([labels, passes]) => (passes === 1 ? [labels] : []))
    }
    expect(await names({})).toEqual([])
    const off = ['authorize', 'signIn']
    const stage = (name: string | symbol) => (off.includes(String(name)) ? undefined : { name, run: async () => undefined })
    const named = pipeline(new Proxy({} as Stages, { get: (_, name) => stage(name) }))
    const passed = named.order('invoke').map((stage) => `family="invoke",stage="${stage}"`)
    // Under the very names of the table.
    expect((await names({ telemetry: { stages: true } })).filter((labels) => labels.includes('invoke')).sort()).toEqual(passed.sort())
  },
  stateDir: async () => {
    const stateDir = join(folder, 'state')
    const up = await server()
    const config = { stateDir, servers: { up: { url: up.url, era: 'legacy' } } }
    const first = await startUnderTest(config)
    const session = await openSession(first.base, { mount })
    expect(session['mcp-session-id']).toBeTruthy()
    expect(await toolNames(first.base)).toEqual(['up__echo'])
    expect(await eventually(() => rowsOf(join(stateDir, 'signalbox.db'), 'catalogs').length === 1)).toBe(true)
    await first.stop()
    const key = readFileSync(join(stateDir, 'seal.key'))
    await up.close()
    // The server is gone: what is listed now is the last known catalogue, and the key is the one from before.
    const second = await gateway(config)
    expect(await toolNames(second.base)).toEqual(['up__echo'])
    expect(readFileSync(join(stateDir, 'seal.key'))).toEqual(key)
  },
}

describe('turning a key changes something that can be seen', () => {
  for (const [key, row] of Object.entries(rows)) {
    if (typeof row === 'function') test(key, async () => void (await row()))
    else
      test(`${key} (${row.file})`, () => {
        expect(readFileSync(join(root, row.file), 'utf8')).toContain(row.mentions)
      })
  }
})

test('every key of the settings has its row, and every row its key', () => {
  expect(Object.keys(rows).sort()).toEqual(leaves(configurationSchema()).sort())
})

/** Keys that hold a value or a mapping to values, with NAME for names that people choose. */
function leaves(schema: Result, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]: [string, Result]) => {
    const named = property.additionalProperties
    if (named?.properties !== undefined) return leaves(named, `${prefix}${name}.NAME.`)
    if (property.items?.properties !== undefined) return leaves(property.items, `${prefix}${name}[].`)
    return property.properties === undefined ? [prefix + name] : leaves(property, `${prefix}${name}.`)
  })
}

/** What a child is started with is what the configuration says. */
async function childSees(): Promise<void> {
  const child = scriptedStdio(
    [plainTool('look')],
    `say({ id, result: { content: [{ type: 'text', text: JSON.stringify({ program: process.execPath, args: process.argv.slice(1), given: process.env.GIVEN, cwd: process.cwd() }) }] } })`,
  )
  const running = await gateway({ servers: { up: { ...child, args: [...child.args, 'extra'], env: { GIVEN: 'yes' }, cwd: folder } } })
  const { message } = await call(running.base, 'look')
  expect(JSON.parse(message.result.content[0].text)).toEqual({
    program: process.execPath,
    args: ['extra'],
    given: 'yes',
    cwd: realpathSync(folder),
  })
}

async function toolset(selection: Record<string, unknown>, names: readonly string[]): Promise<Result[]> {
  const tools = ['echo', 'read_a', 'read_b', 'write'].map((name) => plainTool(name))
  const up = await server({ tools })
  const running = await gateway({ servers: { up: { url: up.url, era: 'legacy' } }, toolsets: { some: selection } })
  const shown = (await modern(running.base, 'tools/list', {}, { mount: '/some' })).message.result.tools
  expect(shown.map((tool: { name: string }) => tool.name)).toEqual(names)
  const answer = await modern(running.base, 'tools/call', { name: names[0], arguments: {} }, { mount: '/some' })
  expect(answer.message.result.content[0].text).toContain('was called')
  return shown
}

/** Standard error of a gateway with these log settings that served one call. */
async function logOf(log: Record<string, unknown>): Promise<string> {
  const up = await server()
  const running = await startProcess({ servers: { up: { url: up.url, era: 'legacy' } }, log: { format: 'json', ...log } })
  await call(running.base)
  await running.end('SIGTERM')
  return running.log()
}
