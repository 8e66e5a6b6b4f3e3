// A server is replaced while its clients call: what comes in its place under another identity gets no call by what the one before it said of
// its tools, and one that is merely started again keeps nobody waiting.
import { expect, onTestFinished } from 'vitest'
import { type Builds, builds } from '../peers/builds.ts'
import { connect, type Result } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { promise } from './promise.ts'

const tool = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  name: 'book',
  description: 'Books a room.',
  inputSchema: { type: 'object', properties, required: Object.keys(properties) },
  ...more,
})
const reads = { annotations: { readOnlyHint: true } }
const old = (more = {}) => tool({ ref: { type: 'string' } }, more)
const other = (more = {}) => tool({ target: { type: 'string' } }, more)
const faultOf = (result: Result): Result => result._meta?.['signalbox.dev/fault']

type Over = 'stdio' | 'http'

async function behind(over: Over, server: Builds, timeouts: Record<string, unknown> = {}) {
  const http = over === 'http' ? await server.overHttp() : undefined
  const entry = http === undefined ? server.server : { url: http.url, era: 'legacy' }
  const gateway = await startUnderTest({ servers: { up: { ...entry, timeouts } } })
  onTestFinished(gateway.stop)
  const client = await connect('v1 http', { base: gateway.base, mount: '/up' })
  onTestFinished(() => client.close())
  expect(await client.tools()).toHaveLength(1)
  const call = () => client.call('book', { ref: 'a' })
  expect(faultOf(await call())).toBeUndefined()
  return {
    call,
    several: () => Promise.all(Array.from({ length: 5 }, call)),
    /** The next build is there. A process is followed by the next, over HTTP the next call finds out. */
    restart: async () => {
      if (http !== undefined) return http.start()
      const starts = server.starts()
      server.kill()
      expect(await eventually(() => server.starts() > starts)).toBe(true)
    },
  }
}

for (const over of ['stdio', 'http'] as const) {
  promise('R84', `${over}: no call reaches the build that took the place of another by the old contract`, async () => {
    const server = builds([old()])
    const { several, restart } = await behind(over, server)
    const listed = server.lists()
    server.deploy([other()], '2')
    server.holdLists(true)
    await restart()
    const calling = several()
    // The tools are asked for while the calls wait.
    expect(await eventually(() => server.lists() > listed)).toBe(true)
    server.holdLists(false)
    for (const result of await calling) expect(faultOf(result)).toMatchObject({ kind: 'tool_changed', side_effect: 'none' })
    expect(server.calls()).toEqual([{ ref: 'a' }])
  })

  promise(
    'R84',
    `${over}: a call that met another build is translated where that is proved, and goes on where nothing changed`,
    async () => {
      const server = builds([old(reads)])
      const { call, several, restart } = await behind(over, server)
      const listed = server.lists()
      server.deploy([other(reads)], '2')
      server.holdLists(true)
      await restart()
      const calling = several()
      expect(await eventually(() => server.lists() > listed)).toBe(true)
      server.holdLists(false)
      for (const result of await calling) expect(faultOf(result)).toBeUndefined()
      expect(server.calls()).toEqual([{ ref: 'a' }, ...Array(5).fill({ target: 'a' })])
      server.deploy([old(reads)], '3')
      await restart()
      expect(faultOf(await call())).toBeUndefined()
      expect(server.calls().slice(6)).toEqual([{ ref: 'a' }])
    },
  )

  promise('R84', `${over}: the same build started again is called at once, while its list is not answered`, async () => {
    const server = builds([old()])
    const { several, restart } = await behind(over, server)
    server.holdLists(true)
    await restart()
    for (const result of await several()) expect(faultOf(result)).toBeUndefined()
    expect(server.calls()).toHaveLength(6)
    server.holdLists(false)
  })
}

promise(
  'R84',
  'a build whose tools are not to be had is not called by the old contract: the call fails, and nothing was sent',
  async () => {
    const server = builds([old()])
    const { call, restart } = await behind('stdio', server, { call: 2_000 })
    server.deploy([old()], '2')
    server.holdLists(true)
    await restart()
    expect(faultOf(await call())).toMatchObject({ side_effect: 'none', retryable: true })
    expect(server.calls()).toHaveLength(1)
    server.holdLists(false)
    expect(await eventually(async () => faultOf(await call()) === undefined)).toBe(true)
  },
)
