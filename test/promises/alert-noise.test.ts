// One incident is one message: what a running gateway tells over days, of many tools, with the log off.
import { afterEach, describe, expect } from 'vitest'
import { startReceiver } from '../doubles/alert-receiver.ts'
import { ForwardClock } from '../doubles/forward-clock.ts'
import { rowsOf } from '../doubles/gateway/judging.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const minute = 60_000
const names = Array.from({ length: 12 }, (_, n) => `query_${'abcdefghijkl'[n]}`)

async function setting() {
  const broken = new Set<string>()
  let n = 0
  const clock = new ForwardClock()
  const server = await startScripted({
    era: 'modern',
    tools: names.map((name) => plainTool(name)),
    call: ({ params, answer }) => answer(rowsOf(broken.has(params.name) ? 0 : 10 + ((n++ * 7) % 41))),
  })
  open.push(server.close)
  const receiver = await startReceiver()
  open.push(receiver.close)
  const config = {
    servers: { warehouse: { url: server.url, era: 'modern' } },
    tools: { '*': { objective: { availability: 99, latency: '2s' } } },
    alerts: { webhook: receiver.url },
  }
  const under = await startUnderTest(config, clock)
  open.push(under.stop)
  let asked = 0
  return {
    clock,
    receiver,
    broken,
    server,
    /** Each tool once, every `everyMs`. */
    rounds: async (times: number, everyMs: number) => {
      for (let round = 0; round < times; round += 1) {
        for (const name of names)
          await modern(
            under.base,
            'tools/call',
            { name, arguments: { sql: `select ${++asked}` } },
            { mount: '/warehouse', headers: { 'signalbox-run': `run ${asked}` } },
          )
        for (let at = 0; at < everyMs; at += 10 * minute) await clock.forward(Math.min(everyMs, 10 * minute))
      }
    },
  }
}

describe('with twelve tools that have objectives', () => {
  promise(
    ['R57'],
    'two healthy days are no message, three tools that break at once one, and one that they are well again',
    async () => {
      const { receiver, rounds, broken } = await setting()
      await rounds(48, 60 * minute)
      expect(receiver.received).toEqual([])
      for (const name of names.slice(0, 3)) broken.add(name)
      await rounds(8, 10 * minute)
      await eventually(() => receiver.received.length > 0)
      // Their objectives are missed as well, which is worse: of the same incident.
      expect(new Set(receiver.received.map(({ body }) => body.incident.id)).size).toBe(1)
      expect(receiver.events().filter((event) => event !== 'worse')).toEqual(['opened'])
      expect(receiver.events().length).toBeLessThanOrEqual(2)
      expect(new Set(receiver.received.at(-1)?.body.incident.conditions.map(({ tool }: { tool: string }) => tool))).toEqual(
        new Set(names.slice(0, 3)),
      )
      broken.clear()
      await rounds(12, 60 * minute)
      expect(await eventually(() => receiver.events().at(-1) === 'resolved')).toBe(true)
      expect(receiver.events().filter((event) => event === 'resolved')).toHaveLength(1)
      expect(new Set(receiver.received.map(({ body }) => body.incident.id)).size).toBe(1)
    },
    120_000,
  )

  promise(
    ['R57'],
    'a server that is gone is one message, whatever its tools do',
    async () => {
      const { receiver, rounds, server, clock } = await setting()
      await rounds(12, 10 * minute)
      await server.close()
      await rounds(3, minute)
      await eventually(async () => {
        await clock.forward(minute)
        return receiver.received.length > 0
      })
      await rounds(6, 60 * minute)
      expect(new Set(receiver.received.map(({ body }) => body.incident.id)).size).toBe(1)
      expect(receiver.events().filter((event) => event !== 'worse')).toEqual(['opened'])
      expect(receiver.received.at(-1)?.body.incident).toMatchObject({ server: 'warehouse', severity: 'critical' })
    },
    120_000,
  )
})
