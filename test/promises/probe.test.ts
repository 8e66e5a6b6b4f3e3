// `signalbox probe`: one server in two environments, told apart by contract and by what declared calls give, before anybody is moved to it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Ran, signalbox } from '../peers/command-line.ts'
import { type Script, type Scripted, startScripted } from '../peers/scripted.ts'
import { memory } from '../peers/servers.ts'
import { promise } from './promise.ts'

let folder = ''
const started: Scripted[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-probe-'))
})

afterEach(async () => {
  for (const server of started.splice(0)) await server.close()
  rmSync(folder, { recursive: true, force: true })
})

function write(name: string, value: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(value))
}

function run(...args: readonly string[]): Promise<Ran> {
  return signalbox(folder, ...args)
}

async function scripted(script: Script): Promise<Scripted> {
  const server = await startScripted(script)
  started.push(server)
  return server
}

const reads = { annotations: { readOnlyHint: true } }
const search = { name: 'search', inputSchema: { type: 'object', properties: { q: { type: 'string' } } }, ...reads }
const write2 = { name: 'create', inputSchema: { type: 'object' } }

/** A server whose `search` gives this as structured content; an Error: as an error. */
function giving(value: unknown, era: 'legacy' | 'modern' = 'legacy', tools: readonly unknown[] = [search, write2]): Promise<Scripted> {
  return scripted({
    era,
    tools,
    call: ({ answer }) =>
      value instanceof Error
        ? answer({ content: [{ type: 'text', text: value.message }], isError: true })
        : answer({ content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value }),
  })
}

const calls = [{ tool: 'search', arguments: { q: 'a' } }]

describe('signalbox probe', () => {
  promise(
    ['R73'],
    'says how a server differs in another environment: contract, shape of results, values, and what works in one only',
    async () => {
      const row = { id: 1, title: 'x' }
      const usual = { rows: [row], total: 1 }
      const cases: [string, unknown, unknown, readonly unknown[], number, string][] = [
        ['same', usual, usual, [search, write2], 0, 'same'],
        ['values', usual, { rows: [{ id: 2, title: 'y' }], total: 1 }, [search, write2], 0, 'values'],
        ['more elements', usual, { rows: [row, row], total: 1 }, [search, write2], 0, 'values'],
        ['an empty list', usual, { rows: [], total: 1 }, [search, write2], 0, 'values'],
        ['shape', usual, { rows: [{ id: '1', title: 'x' }] }, [search, write2], 11, 'shape'],
        ['only one', usual, new Error('no index here'), [search, write2], 12, 'only'],
        ['neither', new Error('a'), new Error('b'), [search, write2], 2, 'untold'],
        ['contract', usual, usual, [{ ...search, inputSchema: { ...search.inputSchema, required: ['q'] } }, write2], 12, 'same'],
        ['hints', usual, usual, [search, { ...write2, annotations: { destructiveHint: false } }], 11, 'same'],
        ['new tool', usual, usual, [search, write2, { name: 'more', inputSchema: {} }], 10, 'same'],
      ]
      write('calls.yaml', { calls })
      for (const [name, there, here, tools, code, verdict] of cases) {
        const [live, staging] = [await giving(there), await giving(here, 'modern', tools)]
        write('signalbox.yaml', { servers: { 'tracker-staging': { url: staging.url }, tracker: { url: live.url } } })
        const told = await run('probe', 'tracker-staging', '--against', 'tracker', '--calls', 'calls.yaml', '--json')
        const data = JSON.parse(told.out)
        expect([name, told.code, data.calls[0].verdict, told.err]).toEqual([name, code, verdict, ''])
        if (name === 'shape') {
          expect(data.calls[0].shapes).toEqual([
            { pointer: '/rows/*/id', from: 'number', to: 'string' },
            { pointer: '/total', from: 'number' },
          ])
        }
      }
    },
    120_000,
  )

  it('tells people what differs, there and here', async () => {
    const [live, staging] = [await giving({ total: 1, from: 'live' }), await giving({ total: '1', from: 'staging' })]
    write('calls.json', calls)
    const told = await run('probe', staging.url, '--against', live.url, '--calls', 'calls.json')
    expect(told).toEqual({
      code: 11,
      err: '',
      out: [
        'SHAPE call search {"q":"a"}',
        '  shape /total: there number, here string',
        '  value /from: there "live", here "staging"',
        '2 unchanged   (exit 11)',
        '',
      ].join('\n'),
    })
    expect((await run('probe', live.url, '--against', live.url, '--calls', 'calls.json', '--values')).code).toBe(0)
  })

  it('finds the server of an environment, or of another configuration', async () => {
    const [live, staging] = [await giving({ a: 1 }), await giving({ a: 2 })]
    write('calls.json', calls)
    write('staging.yaml', { servers: { tracker: { url: staging.url, environment: 'staging' } } })
    write('live.yaml', { servers: { tracker: { url: live.url, environment: 'live' } } })
    expect(
      (await run('probe', 'tracker', '--config', 'staging.yaml', '--against', 'live.yaml', '--calls', 'calls.json', '--values')).code,
    ).toBe(1)
    write('signalbox.yaml', {
      servers: {
        tracker: { url: live.url, environment: 'live' },
        wiki: { url: live.url, environment: 'live' },
        'tracker-next': { url: staging.url, environment: 'staging' },
        mail: { url: staging.url, environment: 'staging' },
      },
    })
    expect((await run('probe', 'tracker-next', '--against', 'live', '--calls', 'calls.json', '--values')).code).toBe(1)
    expect(await run('probe', 'tracker', '--against', 'qa')).toMatchObject({
      code: 2,
      err: expect.stringContaining('there are live, staging'),
    })
    expect(await run('probe', 'other', '--against', 'staging')).toMatchObject({
      code: 2,
      err: expect.stringContaining('(tracker-next, mail)'),
    })
  })

  it('calls nothing that may write, in either environment, unless it may', async () => {
    const [live, staging] = [await giving({ a: 1 }), await giving({ a: 1 }, 'legacy', [{ ...search, annotations: {} }, write2])]
    write('signalbox.yaml', { servers: { tracker: { url: live.url }, next: { url: staging.url } } })
    write('writes.json', [...calls, { tool: 'create' }])
    const told = await run('probe', 'next', '--against', 'tracker', '--calls', 'writes.json')
    expect(told.code).toBe(2)
    expect(told.err).toMatch(/search does not say that it only reads.*\ncreate does not say .*\nNothing was called\.\n$/)
    expect([live.count('tools/call'), staging.count('tools/call')]).toEqual([0, 0])
    expect((await run('probe', 'next', '--against', 'tracker', '--calls', 'writes.json', '--allow-writes')).code).toBe(11)
    expect([live.count('tools/call'), staging.count('tools/call')]).toEqual([2, 2])
  })

  it('calls servers of the npm registry over stdio', async () => {
    const own = memory(join(folder, 'm.json'))
    write('signalbox.yaml', { servers: { memory: own, 'memory-next': own } })
    write('calls.json', [{ tool: 'read_graph' }])
    expect(await run('probe', 'memory-next', '--against', 'memory', '--calls', 'calls.json')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^SAME call read_graph \{\}\n9 unchanged {3}\(exit 0\)\n$/),
    })
  })

  it.each([
    [['gone', '--against', 'tracker'], 'has no server gone'],
    [['tracker', '--against', 'dead'], 'CANNOT TELL'],
    [['tracker', '--against', 'tracker', '--calls', 'none.yaml'], 'none.yaml'],
    [['tracker', '--against', 'tracker', '--calls', 'bad.yaml'], 'bad.yaml:1:'],
    [['calls.json', '--against', 'tracker'], 'is a file; a server is probed where it runs'],
  ])('%j cannot tell: exit 2, and why', async (args, why) => {
    const live = await giving({ a: 1 })
    write('signalbox.yaml', { servers: { tracker: { url: live.url }, dead: { command: 'node', args: ['-e', ''] } } })
    write('calls.json', calls)
    write('bad.yaml', [{ tool: 'search', args: {} }])
    const told = await run('probe', ...args)
    expect(told.code).toBe(2)
    expect(`${told.err}${told.out}`).toContain(why)
    expect(live.count('tools/call')).toBe(0)
  })
})
