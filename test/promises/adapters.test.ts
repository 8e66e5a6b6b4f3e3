// A server is replaced by a build that calls an argument otherwise: where it is proved that calls can be translated, and a tool only reads,
// agents that know the old contract go on.
import { expect, onTestFinished } from 'vitest'
import { builds } from '../peers/builds.ts'
import { type ClientKind, connect, type Result } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { send } from '../peers/raw.ts'
import { promise } from './promise.ts'

const tool = (properties: Record<string, unknown>, required: string[], readOnlyHint: boolean) => ({
  name: 'find',
  description: 'Finds rooms.',
  inputSchema: { type: 'object', properties, required },
  annotations: { readOnlyHint },
})
const text = { type: 'string' }
const faultOf = (result: Result): Result => result._meta?.['signalbox.dev/fault']

for (const kind of ['v1 http', 'v2 modern http'] as const satisfies ClientKind[])
  promise(
    'R84',
    `${kind}: calls by the old contract are translated where that is proved and the tool only reads, and else refused`,
    async () => {
      const server = builds([tool({ userId: text, n: { type: 'integer' } }, ['userId'], true)])
      const gateway = await startUnderTest({ servers: { up: server.server } })
      onTestFinished(gateway.stop)
      const entry = async (): Promise<Result> => JSON.parse((await send(`${gateway.admin}/admin/v1/tools`, 'GET', undefined)).text).tools[0]
      const replace = async (next: unknown) => {
        const before = await entry()
        server.deploy([next])
        const body = JSON.stringify({ action: 'restart' })
        expect((await send(`${gateway.admin}/admin/v1/upstreams/up/actions`, 'POST', body)).status).toBe(200)
        expect(await eventually(async () => (await entry()).live.exact !== before.live.exact)).toBe(true)
        expect((await entry()).state).toBe('changed:breaking')
      }
      const client = await connect(kind, { base: gateway.base, mount: '/up' })
      onTestFinished(() => client.close())
      await client.tools()

      const mode = { enum: ['fast', 'slow'], default: 'fast' }
      await replace(tool({ user_id: { type: 'array', items: text }, n: { type: 'integer' }, mode }, ['user_id', 'mode'], true))
      // A name and a form that both changed are guessed.
      expect(faultOf(await client.call('find', { userId: 'u1' }))).toMatchObject({ kind: 'tool_changed' })
      await replace(tool({ user_id: text, n: { type: 'integer' }, mode }, ['user_id', 'mode'], true))
      expect(faultOf(await client.call('find', { userId: 'u1', n: 2 }))).toBeUndefined()
      expect(server.calls()).toEqual([{ n: 2, user_id: 'u1', mode: 'fast' }])
      // What the old contract does not allow is not translated.
      expect((await client.call('find', { userId: { a: 1 } })).isError).toBe(true)
      await replace(tool({ user_id: text, n: { type: 'integer' }, mode }, ['user_id', 'mode'], false))
      expect(faultOf(await client.call('find', { userId: 'u1' }))).toMatchObject({ kind: 'tool_changed', side_effect: 'none' })
      expect(server.calls()).toHaveLength(1)
    },
  )

/** A gateway before a server whose builds are replaced, and a client that has read the tools of the first. */
async function replaceable(kind: ClientKind, first: unknown, versions: Record<string, unknown> = {}) {
  const server = builds([first])
  const gateway = await startUnderTest({ servers: { up: server.server }, versions })
  onTestFinished(gateway.stop)
  const post = (path: string, body: unknown) => send(`${gateway.admin}/admin/v1/${path}`, 'POST', JSON.stringify(body))
  const entry = async (): Promise<Result> => JSON.parse((await send(`${gateway.admin}/admin/v1/tools`, 'GET', undefined)).text).tools[0]
  const client = await connect(kind, { base: gateway.base, mount: '/up' })
  onTestFinished(() => client.close())
  await client.tools()
  return {
    server,
    client,
    entry,
    replace: async (next: unknown) => {
      const before = (await entry()).live.exact
      server.deploy([next])
      expect((await post('upstreams/up/actions', { action: 'restart' })).status).toBe(200)
      expect(await eventually(async () => (await entry()).live.exact !== before)).toBe(true)
    },
    decide: async (what: 'approve' | 'reject', body: Record<string, unknown> = {}) => {
      const answer = await post(`tools/up/find/${what}`, { expect: [(await entry()).live.exact], reason: 'PR 212', ...body })
      return { status: answer.status, body: JSON.parse(answer.text) as Result }
    },
  }
}

for (const kind of ['v1 http', 'v2 modern http'] as const satisfies ClientKind[]) {
  promise(
    'R84',
    `${kind}: calls of a tool that writes are translated once an operator approves that, with the values that are lacking`,
    async () => {
      const { server, client, entry, replace, decide } = await replaceable(kind, tool({ userId: text, legacy: text }, ['userId'], false))
      await replace(tool({ user_id: text, room: { type: 'integer' } }, ['user_id', 'room'], false))
      const call = () => client.call('find', { userId: 'u1', legacy: 'x' })
      expect(faultOf(await call())).toMatchObject({ kind: 'tool_changed', side_effect: 'none' })
      expect(await decide('approve', { adapter: {} })).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('room is required now') },
      })
      const adapter = { set: { room: 7 }, drop: ['legacy'] }
      expect(await decide('approve', { adapter })).toMatchObject({
        status: 200,
        body: { state: 'changed:breaking', change: { translation: { inForce: true, proved: true, reason: 'PR 212' } } },
      })
      expect(faultOf(await call())).toBeUndefined()
      // The new contract is shown, and who has read the old one goes on.
      expect((await decide('approve')).body.state).toBe('approved')
      expect(faultOf(await call())).toBeUndefined()
      expect(server.calls()).toEqual(Array(2).fill({ user_id: 'u1', room: 7 }))
      await client.tools()
      expect((await call()).isError).toBe(true)
      expect((await entry()).state).toBe('approved')
    },
  )

  promise(
    'R84',
    `${kind}: what is not proved of a translation takes an override, and then no call that the server would not take`,
    async () => {
      const { server, client, replace, decide } = await replaceable(kind, tool({ userId: { type: 'integer' } }, ['userId'], true))
      await replace(tool({ user_id: { type: 'integer', maximum: 50 } }, ['user_id'], true))
      expect(await decide('approve', { adapter: {} })).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('not proved') },
      })
      expect((await decide('approve', { adapter: {}, override: true })).status).toBe(200)
      expect(faultOf(await client.call('find', { userId: 50 }))).toBeUndefined()
      expect(faultOf(await client.call('find', { userId: 51 }))).toMatchObject({ kind: 'tool_changed', side_effect: 'none' })
      expect(server.calls()).toEqual([{ user_id: 50 }])
      expect((await decide('reject')).status).toBe(200)
      expect(faultOf(await client.call('find', { userId: 50 }))).toMatchObject({ kind: 'tool_changed' })
    },
  )

  promise('R84', `${kind}: a caller of a contract that was replaced twice is translated over both where that is proved`, async () => {
    const drift = { drift: { breaking: 'adopt' } }
    const { server, client, replace } = await replaceable(kind, tool({ userId: text }, ['userId'], true), drift)
    await replace(tool({ user_id: text }, ['user_id'], true))
    await replace(tool({ userID: text, n: { type: 'integer' } }, ['userID'], true))
    expect(await eventually(async () => faultOf(await client.call('find', { userId: 'u1' })) === undefined)).toBe(true)
    expect(server.calls()).toEqual([{ userID: 'u1' }])
    await replace(tool({ userID: text, n: { type: 'integer' } }, ['userID'], false))
    await replace(tool({ user: text }, ['user'], false))
    expect(faultOf(await client.call('find', { userId: 'u1' }))).toMatchObject({
      kind: 'tool_changed',
      detail: { contracts: { known: expect.stringMatching(/^c1:/), current: expect.stringMatching(/^c1:/) } },
    })
    expect(server.calls()).toHaveLength(1)
  })
}
