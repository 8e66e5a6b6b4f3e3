// No key is accepted and then forgotten: every leaf of the settings has a row here that shows, against the real gateway, what turning it
// changes, or names the test that shows it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pipeline, type Stages } from '../src/gateway/pipeline.ts'
import { configurationSchema } from '../src/operate/cli/schema.ts'
import type { Result } from './peers/clients.ts'
import { freePort } from './peers/free-port.ts'
import { startUnderTest } from './peers/gateway.ts'
import { startProcess } from './peers/process.ts'
import { eventually } from './peers/processes.ts'
import { type Answer, legacy, metric, modern, openSession, send, upstreamsOf } from './peers/raw.ts'
import { plainTool, textResult } from './peers/scripted.ts'
import { everything, root } from './peers/servers.ts'
import { contractRows } from './settings-contracts.ts'
import { elsewhere } from './settings-elsewhere.ts'
import { call, faultOf, folder, gateway, mount, pair, type Row, server, toolNames } from './settings-rig.ts'
import { serverRows } from './settings-servers.ts'
import { timeoutRows } from './settings-timeouts.ts'
import { rowsOf } from './stores/rows.ts'

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

  ...serverRows,
  ...contractRows,
  ...timeoutRows('global'),
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
  'log.arguments': async () => {
    expect(await logOf({ arguments: 'redacted' })).toMatch(/"arguments":\{/)
    expect(await logOf({ arguments: 'none' })).not.toContain('"arguments"')
  },
  'telemetry.stages': async () => {
    const names = async (config: Record<string, unknown>): Promise<string[]> => {
      const { base, admin } = await pair(config)
      await call(base)
      return [...(await metric(admin, 'signalbox_stage_passes_total'))].flatMap(([labels, passes]) => (passes === 1 ? [labels] : []))
    }
    expect(await names({})).toEqual([])
    const off = ['audited', 'authorize', 'signIn', 'toolConcurrency', 'degraded', 'guards']
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

/** Standard error of a gateway with these log settings that served one call. */
async function logOf(log: Record<string, unknown>): Promise<string> {
  const up = await server()
  const running = await startProcess({ servers: { up: { url: up.url, era: 'legacy' } }, log: { format: 'json', ...log } })
  await call(running.base)
  await running.end('SIGTERM')
  return running.log()
}
