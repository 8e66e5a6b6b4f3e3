// What calls use that are not over with their first answer: those that ask their user something, and tasks. Each counts once as a call, and
// with all that it brings.
import { afterEach, describe, expect } from 'vitest'
import { connect, type Result } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { modern, send } from '../peers/raw.ts'
import { startFixture } from '../peers/servers.ts'
import { promise } from './promise.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function gateway(era: 'legacy' | 'modern', budgets: Record<string, unknown>, env: Record<string, string> = {}) {
  const started = await startFixture({ FIXTURE_ERA: era, ...env })
  closers.push(started.stop)
  const running = await startUnderTest({ servers: { up: { url: `http://127.0.0.1:${started.port}/mcp`, era } }, budgets })
  closers.push(running.stop)
  const used = async (unit: string): Promise<number> => {
    const { budgets: found } = JSON.parse((await send(`${running.admin}/admin/v1/budgets`, 'GET', undefined)).text)
    return found.find((one: Result) => one.unit === unit && one.scope === 'principal')?.used ?? 0
  }
  return { running, used }
}

describe('a call that asks its user', () => {
  for (const era of ['legacy', 'modern'] as const) {
    for (const kind of ['v1 http', 'v2 modern http'] as const) {
      promise(['R91', 'R95'], `${kind}, a ${era} server: is one call, and its answers and its result are counted`, async () => {
        const { running, used } = await gateway(era, { principal: { calls: '100/1h', tokens: '10000/1h' } })
        const response = 'word '.repeat(500)
        const client = await connect(
          kind,
          { base: running.base, mount: '/up' },
          { elicit: () => ({ action: 'accept', content: { response } }) },
        )
        closers.push(() => client.close())
        await client.tools()
        const before = await used('tokens')
        const result = await client.call('test_elicitation', { message: 'Say something' })
        expect(result.content[0].text).toContain(response)
        expect(await used('calls')).toBe(1)
        // Some 500 of the answer of the user, and as many of the result.
        const tokens = (await used('tokens')) - before
        expect(tokens).toBeGreaterThan(1_000)
        expect(tokens).toBeLessThan(1_400)
      })

      promise('R95', `${kind}, a ${era} server: the result tells what is left of a budget`, async () => {
        const { running } = await gateway(era, { principal: { calls: '1/1h' } })
        const client = await connect(
          kind,
          { base: running.base, mount: '/up' },
          { elicit: () => ({ action: 'accept', content: { response: 'yes' } }) },
        )
        closers.push(() => client.close())
        await client.tools()
        const result = await client.call('test_elicitation', { message: 'Say something' })
        expect(result._meta['signalbox.dev/budget']).toMatchObject([{ scope: 'principal', unit: 'calls', limit: 1, used: 1, left: 0 }])
      })
    }
  }
})

promise(['R91', 'R95'], 'the result of a task is counted where it is read, and to look after the task costs no call', async () => {
  const { running, used } = await gateway('modern', { principal: { calls: '100/1h', tokens: '10000/1h' } }, { FIXTURE_TASKS: '1' })
  const asking = { mount: '/up', capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
  const ask = async (method: string, params: Record<string, unknown>): Promise<Result> =>
    (await modern(running.base, method, params, asking)).message.result
  const made = await ask('tools/call', { name: 'test_task', arguments: {} })
  expect(made.resultType).toBe('task')
  const asTask = await used('tokens')
  expect((await ask('tasks/get', { taskId: made.taskId })).status).toBe('working')
  expect([await used('tokens'), await used('calls')]).toEqual([asTask, 1])
  expect((await ask('tasks/get', { taskId: made.taskId })).status).toBe('completed')
  // {"resultType":"complete","content":[{"type":"text","text":"done as a task"}],"isError":false}
  const more = (await used('tokens')) - asTask
  expect(more).toBeGreaterThan(15)
  expect(more).toBeLessThan(40)
  expect(await used('calls')).toBe(1)
})
