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
