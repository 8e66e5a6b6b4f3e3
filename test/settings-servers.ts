// What each key of one server, of toolsets and of tools changes.
import { realpathSync } from 'node:fs'
import { expect } from 'vitest'
import type { Result } from './peers/clients.ts'
import { freePort } from './peers/free-port.ts'
import { eventually } from './peers/processes.ts'
import { metric, modern, upstreamsOf } from './peers/raw.ts'
import { plainTool, type Script, scriptedStdio, textResult } from './peers/scripted.ts'
import { call, faultOf, folder, gateway, mount, pair, type Row, server, stateOf, toolNames } from './settings-rig.ts'
import { timeoutRows } from './settings-timeouts.ts'

export const serverRows: Record<string, Row> = {
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
