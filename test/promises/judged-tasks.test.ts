// Results of tasks are judged as results of the tools that made them, whoever asks for them: the client, our door for a client that has no
// tasks, or our exit at a server of the session era.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect } from 'vitest'
import { inText, rowsOf } from '../doubles/gateway/judging.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { legacy, metric, modern, openSession } from '../peers/raw.ts'
import { type CallArrived, plainTool, type Script, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const extension = 'io.modelcontextprotocol/tasks'
const asking = { mount: '/up', capabilities: { extensions: { [extension]: {} } } }
const pool = inText('Error: connection pool exhausted, timed out after 30000 ms')
const at = '2026-01-01T00:00:00Z'
const state = (taskId: string, status: string) => ({ taskId, status, createdAt: at, lastUpdatedAt: at })

/** A server whose tool `report` always makes a task: how each ends, and what is asked of it. */
function taskServer(era: 'legacy' | 'modern') {
  const ends: { status: string; end: Record<string, unknown> }[] = []
  let next: (typeof ends)[number] = { status: 'completed', end: { result: rowsOf(1) } }
  const of = (taskId: string) => ends[Number(taskId.slice('task-'.length))] as (typeof ends)[number]
  const call = (arrived: CallArrived) => {
    const { extensions } = arrived.params._meta?.['io.modelcontextprotocol/clientCapabilities'] ?? {}
    if (era === 'modern' && extensions?.[extension] === undefined)
      return arrived.fail(-32021, 'It needs tasks', { requiredCapabilities: { extensions: { [extension]: {} } } })
    const taskId = `task-${ends.push(next) - 1}`
    if (era === 'modern') return arrived.answer({ resultType: 'task', ...state(taskId, 'working'), ttlMs: 60_000, pollIntervalMs: 100 })
    arrived.answer({ task: { ...state(taskId, next.status), ttl: 60_000, pollInterval: 100 } })
  }
  const methods: Script['methods'] =
    era === 'modern'
      ? { 'tasks/get': ({ taskId }) => ({ ...state(taskId, of(taskId).status), ttlMs: 60_000, pollIntervalMs: 100, ...of(taskId).end }) }
      : { 'tasks/result': ({ taskId }) => of(taskId).end.result as Record<string, unknown> }
  const tools = [plainTool('report', era === 'legacy' ? { execution: { taskSupport: 'required' } } : {})]
  return {
    script: { era, tools, call, methods },
    ends: (status: string, end: Record<string, unknown>) => {
      next = { status, end }
    },
    gives: (result: unknown) => {
      next = { status: 'completed', end: { result } }
    },
  }
}

async function gateway(era: 'legacy' | 'modern', config: Record<string, unknown> = {}) {
  const tasks = taskServer(era)
  const server = await startScripted(tasks.script)
  open.push(server.close)
  const under = await startUnderTest({ servers: { up: { url: server.url, era } }, ...config })
  open.push(under.stop)
  return { tasks, server, under }
}

let asked = 0

/** As a client of tasks: its handle, and what it is given for it. */
async function make({ base }: UnderTest): Promise<string> {
  const { message } = await modern(base, 'tools/call', { name: 'report', arguments: { of: ++asked } }, asking)
  expect(message.result.resultType).toBe('task')
  return message.result.taskId
}

async function get({ base }: UnderTest, taskId: string): Promise<Result> {
  return (await modern(base, 'tasks/get', { taskId }, asking)).message.result
}

const reasonsOf = (result: Result): string[] =>
  (result._meta?.['signalbox.dev/suspect']?.reasons ?? []).map(({ kind }: { kind: string }) => kind)

async function judged({ admin }: UnderTest): Promise<Record<string, number>> {
  const counted = [...(await metric(admin, 'signalbox_results_total'))].filter(([, count]) => count > 0)
  return Object.fromEntries(counted.map(([labels, count]) => [labels.replace(/^.*kind="(.*)".*$/, '$1'), count]))
}

describe('a client that asks for its tasks', () => {
  promise(
    ['R50', 'R51', 'R53'],
    'is told at the first that there are no rows, each time that it asks, and people by the fourth',
    async () => {
      const { tasks, under } = await gateway('modern')
      for (let n = 0; n < 60; n += 1) {
        tasks.gives(rowsOf(10 + ((n * 7) % 41)))
        const { status, result } = await get(under, await make(under))
        expect([status, reasonsOf(result), result.content.length]).toEqual(['completed', [], 1])
      }
      tasks.gives(rowsOf(0))
      const alerts = async () => ((await (await fetch(`${under.admin}/admin/v1/alerts`)).json()) as { alerts: Result[] }).alerts
      for (let n = 1; n <= 4; n += 1) {
        expect(await alerts()).toEqual([])
        const task = await make(under)
        for (let poll = 0; poll < 3; poll += 1) {
          const { taskId, status, result } = await get(under, task)
          expect([taskId, status, result.isError ?? false]).toEqual([task, 'completed', false])
          expect(reasonsOf(result)).toEqual(['empty'])
          expect(result.content[0].text).toBe('{"rows":[]}')
          expect(result.content[1].text).toMatch(/^suspect: zero rows\..*usually 10-50/)
        }
      }
      expect(await alerts()).toMatchObject([{ server: 'up', tool: 'report', kind: 'empty', affected: 4, results: 4 }])
      expect([...(await metric(under.admin, 'signalbox_suspect_total'))]).toEqual([['upstream="up",reason="empty"', 4]])
      expect(await judged(under)).toEqual({ ok: 60, empty: 4 })
    },
    60_000,
  )

  promise('R50', 'is told of an error that is given for a success, and nothing of a task that failed or works', async () => {
    const { tasks, under } = await gateway('modern')
    tasks.ends('failed', { error: { code: -32603, message: 'Error: connection pool exhausted' } })
    const failed = await get(under, await make(under))
    expect(failed).toMatchObject({ status: 'failed', error: { message: 'Error: connection pool exhausted' } })
    expect(failed.result).toBeUndefined()
    tasks.ends('working', {})
    expect((await get(under, await make(under))).status).toBe('working')
    expect(await judged(under)).toEqual({})
    tasks.gives({ ...pool, isError: true })
    expect(reasonsOf((await get(under, await make(under))).result)).toEqual([])
    tasks.gives(pool)
    const { result } = await get(under, await make(under))
    expect(reasonsOf(result)).toEqual(['error_text'])
    expect(result.content[1].text).toMatch(/^suspect: this text is an error message/)
    expect(await judged(under)).toEqual({ tool_error: 1, hidden_error: 1 })
  })

  promise(['R50', 'R54'], 'is given an error in place of a doubtful result where configuration says so', async () => {
    const { tasks, under } = await gateway('modern', { tools: { 'up/report': { quality: { onSuspect: 'block' } } } })
    tasks.gives(pool)
    const task = await make(under)
    for (let poll = 0; poll < 2; poll += 1) {
      const { status, result } = await get(under, task)
      expect(status).toBe('completed')
      expect(result).toMatchObject({ isError: true, _meta: { 'signalbox.dev/fault': { kind: 'result_suspect', side_effect: 'unknown' } } })
      expect(result.content[0].text).not.toMatch(/^Error: connection pool/)
    }
    tasks.gives(rowsOf(3))
    const { result } = await get(under, await make(under))
    expect(result).toEqual(rowsOf(3))
  })

  promise('R50', 'is told so on the mount of all servers too, and of a task of before a restart', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-judged-tasks-'))
    open.push(() => rmSync(stateDir, { recursive: true, force: true, maxRetries: 3 }))
    const { tasks, server, under } = await gateway('modern', { stateDir })
    tasks.gives(pool)
    const whole = { ...asking, mount: '' }
    const { message } = await modern(under.base, 'tools/call', { name: 'up__report', arguments: {} }, whole)
    const { taskId } = message.result
    const told = await modern(under.base, 'tasks/get', { taskId }, whole)
    expect(reasonsOf(told.message.result.result)).toEqual(['error_text'])
    await under.stop()
    const again = await startUnderTest({ servers: { up: { url: server.url, era: 'modern' } }, stateDir })
    open.push(again.stop)
    expect(reasonsOf((await get(again, taskId)).result)).toEqual(['error_text'])
  })
})

describe.each([
  ['modern', 'legacy'],
  ['legacy', 'modern'],
  ['legacy', 'legacy'],
] as const)('of a %s server, a %s client that has no tasks', (era, client) => {
  promise('R50', 'is given the result of one with what is doubtful of it, and without where nothing is', async () => {
    const { tasks, server, under } = await gateway(era)
    const session = client === 'legacy' ? await openSession(under.base, { mount: '/up' }) : undefined
    const call = async (): Promise<Result> => {
      const params = { name: 'report', arguments: { of: ++asked } }
      const answer =
        session === undefined
          ? await modern(under.base, 'tools/call', params, { mount: '/up' })
          : await legacy(under.base, session, 'tools/call', params, { mount: '/up' })
      return answer.message.result
    }
    tasks.gives(rowsOf(3))
    const good = await call()
    expect([good.content, reasonsOf(good)]).toEqual([rowsOf(3).content, []])
    tasks.gives(pool)
    const doubtful = await call()
    expect(reasonsOf(doubtful)).toEqual(['error_text'])
    expect(doubtful.content[1].text).toMatch(/^suspect: this text is an error message/)
    expect(server.count(era === 'modern' ? 'tasks/get' : 'tasks/result')).toBe(2)
    expect(await judged(under)).toEqual({ ok: 1, hidden_error: 1 })
  })
})

describe.each(['modern', 'legacy'] as const)('of a %s server, a client of the session era', (era) => {
  promise(['R50', 'R54'], 'is given an error in place of a doubtful result where configuration says so', async () => {
    const { tasks, under } = await gateway(era, { tools: { 'up/report': { quality: { onSuspect: 'block' } } } })
    const session = await openSession(under.base, { mount: '/up' })
    tasks.gives(pool)
    const { message } = await legacy(under.base, session, 'tools/call', { name: 'report', arguments: {} }, { mount: '/up' })
    expect(message.result).toMatchObject({ isError: true, _meta: { 'signalbox.dev/fault': { kind: 'result_suspect' } } })
    expect(message.result.resultType).toBeUndefined()
  })
})
