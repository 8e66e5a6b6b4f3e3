// The table of compatibility is what was run, names every difference, and a cell that became worse is found.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../peers/servers.ts'
import { promise } from '../promises/promise.ts'
import { asJson, asMarkdown, cellOf, stopped, type Table, verdict, worse } from './page.mjs'
import { allRows, fastRows } from './rows.mjs'

const read = (file: string): string => readFileSync(join(root, 'docs', file), 'utf8')
const committed = JSON.parse(read('compatibility.json')) as Table
const yes = { result: 'yes', detail: '' }
const no = { result: 'no', detail: 'got nothing' }
const none = { result: 'none', detail: 'no tool needs_user' }

describe('the committed table', () => {
  test('is written from the data', () => {
    expect(read('compatibility.md')).toBe(asMarkdown(committed))
    expect(read('compatibility.json')).toBe(asJson(committed))
  })

  promise('R3', 'each client and server was run with and without the gateway, and a difference has its note', () => {
    expect(committed.rows.map(({ id }) => id)).toEqual(allRows().map(({ id }) => id))
    const page = read('compatibility.md')
    const different = committed.rows.flatMap(({ cells }) => Object.values(cells)).filter((cell) => typeof cell !== 'string')
    expect(page.match(/\| (less|more)(?! \(\d+\))/g)).toBeNull()
    expect([...page.matchAll(/\| (less|more) \(\d+\)/g)].length).toBe(different.length)
  })

  test('has the rows of the short form', () => {
    const ids = committed.rows.map(({ id }) => id)
    expect(fastRows().length).toBeGreaterThan(15)
    expect(fastRows().filter(({ id }) => !ids.includes(id))).toEqual([])
  })
})

describe('a cell', () => {
  test.each([
    ['yes', yes, yes],
    ['no', no, { result: 'no', detail: 'other words' }],
    ['none', none, none],
    ['less', yes, no],
    ['less', yes, none],
    ['more', no, yes],
    ['less', none, no],
    ['none', none, { result: 'no', detail: 'no connection' }],
  ])('%s: directly %j, through the gateway %j', (wanted, direct, gateway) => {
    expect(verdict(cellOf({ direct, gateway }))).toBe(wanted)
  })
})

describe('a run is compared with the committed table', () => {
  const before = { restart: {}, rows: [{ id: 'a', cells: { tools: 'yes', logs: 'no', roots: cellOf({ direct: no, gateway: yes }) } }] }
  const now = (cells: Record<string, ReturnType<typeof cellOf>>): string[] => worse(before, [{ id: 'a', cells }])

  test('a cell that works no longer is worse, also where it works no longer directly', () => {
    expect(now({ tools: cellOf({ direct: yes, gateway: no }) })).toEqual(['a: tools: directly yes; through the gateway no: got nothing'])
    expect(now({ tools: 'no' })).toEqual(['a: tools: no'])
    expect(now({ roots: 'no' })).toEqual(['a: roots: no'])
  })

  test('what works, what did not work before, and what is new is not', () => {
    expect(now({ tools: 'yes', logs: cellOf({ direct: yes, gateway: no }), prompts: 'no', roots: 'yes' })).toEqual([])
    expect(worse(before, [{ id: 'b', cells: { tools: 'no' } }])).toEqual([])
  })

  test('fewer clients that survive a restart are worse', () => {
    const client = { title: 'Go', clients: 2, wentOn: 2 }
    expect(stopped({ restart: { go: client }, rows: [] }, { go: { ...client, wentOn: 1, detail: 'lost' } })).toEqual([
      'restart: Go: 1 of 2 went on (lost)',
    ])
    expect(stopped({ restart: { go: { ...client, wentOn: 0 } }, rows: [] }, { go: { ...client, wentOn: 0 } })).toEqual([])
  })
})

test('a peer that cannot be had is a notice: nothing is said of it, nothing written, and the run succeeds', () => {
  const nothing = mkdtempSync(join(tmpdir(), 'signalbox-compatibility-'))
  const args = [join(root, 'scripts', 'compatibility.mjs'), '--only=client python-1 typescript-1 http', '--write']
  const env = { ...process.env, PATH: nothing, COMPATIBILITY_CACHE: join(nothing, 'cache') }
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  rmSync(nothing, { recursive: true })
  expect(stderr).toBe('')
  expect(stdout.replace(/\d+ s/, '0 s').split('\n')).toEqual([
    'Notice: python-1 is not run: python3 is not here',
    '0 rows, 0 cells, 0 different through the gateway, 1 peers not run, 0 s',
    'docs/compatibility.md is not written, since not every peer could be had.',
    '',
  ])
  expect(status).toBe(0)
})
