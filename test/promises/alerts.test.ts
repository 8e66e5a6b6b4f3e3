// What goes wrong silently is told to people with the log off: by a webhook, from what the gateway itself judged and measured. Days go by on a clock
// that is put forward.
import { afterEach, describe, expect } from 'vitest'
import { startReceiver } from '../doubles/alert-receiver.ts'
import { ForwardClock } from '../doubles/forward-clock.ts'
import { rowsOf } from '../doubles/gateway/judging.ts'
import type { Result } from '../peers/clients.ts'
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

async function setting(config: Record<string, unknown> = {}) {
  let result: unknown = rowsOf(20)
  let takesMs = 200
  const clock = new ForwardClock()
  const server = await startScripted({
    era: 'modern',
    tools: [plainTool('query_database')],
    call: ({ answer }) => void clock.forward(takesMs).then(() => answer(result)),
  })
  open.push(server.close)
  const receiver = await startReceiver()
  open.push(receiver.close)
  const under = await startUnderTest(
    { servers: { warehouse: { url: server.url, era: 'modern', owner: 'team-data' } }, alerts: { webhook: receiver.url }, ...config },
    clock,
  )
  open.push(under.stop)
  let asked = 0
  const call = async (): Promise<Result> =>
    (await modern(under.base, 'tools/call', { name: 'query_database', arguments: { sql: `select ${++asked}` } }, { mount: '/warehouse' }))
      .message.result
  return {
    clock,
    receiver,
    call,
    gives: (next: unknown) => {
      result = next
    },
    takes: (ms: number) => {
      takesMs = ms
    },
    usual: async (calls: number) => {
      for (let n = 0; n < calls; n += 1) {
        result = rowsOf(10 + ((n * 7) % 41))
        await call()
        await clock.forward(minute)
      }
    },
  }
}

describe('with the log off', () => {
  promise(
    ['R51', 'R57'],
    '60 silent failures over two days are told within the first five, once, and once that they are over',
    async () => {
      const { clock, receiver, call, gives, usual } = await setting()
      await usual(100)
      expect(receiver.received).toEqual([])
      gives(rowsOf(0))
      let toldAfter: number | undefined
      for (let n = 1; n <= 60; n += 1) {
        await call()
        // Within the hour that passes until the next call.
        for (let at = 0; at < 48; at += 1) await clock.forward(minute)
        if (toldAfter === undefined && receiver.received.length > 0) toldAfter = n
      }
      expect(toldAfter).toBeLessThanOrEqual(5)
      // Of two days: one when it began, one reminder after a day in which nobody has said that it is known.
      expect(receiver.events().filter((event) => event !== 'reminder')).toEqual(['opened'])
      expect(receiver.events().length).toBeLessThanOrEqual(2)
      expect(receiver.received[0]?.body).toMatchObject({
        version: 1,
        event: 'opened',
        incident: {
          state: 'open',
          severity: 'warn',
          kind: 'empty',
          server: 'warehouse',
          tool: 'query_database',
          owner: 'team-data',
          affected: 4,
          runbook: 'docs/alerts.md#empty',
        },
      })
      await usual(10)
      expect(await eventually(() => receiver.events().at(-1) === 'resolved')).toBe(true)
    },
    120_000,
  )

  promise(
    ['R55', 'R57'],
    '200 ms that become 5 s are told, though no call fails',
    async () => {
      const { clock, receiver, call, takes, usual } = await setting()
      await usual(60)
      takes(5_000)
      for (let n = 0; n < 5; n += 1) {
        expect((await call()).isError ?? false).toBe(false)
        await clock.forward(minute)
      }
      expect(await eventually(() => receiver.received.length === 1)).toBe(true)
      expect(receiver.received[0]?.body.incident).toMatchObject({ kind: 'latency', server: 'warehouse', tool: 'query_database' })
      await clock.forward(6 * 60 * minute)
      expect(receiver.received).toHaveLength(1)
    },
    120_000,
  )
})
