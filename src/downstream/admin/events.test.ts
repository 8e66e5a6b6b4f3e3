// What the stream of events does with those who do not read it.
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { noAnswers } from '../../../test/doubles/admin-parts.ts'
import { noDecisions } from '../../../test/doubles/decisions.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { eventually } from '../../../test/peers/processes.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { createAdminDoor } from './door.ts'
import type { UpstreamStatus } from './resources/upstreams.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function rig() {
  const counted: string[] = []
  const listeners = new Set<(record: CallRecord) => void>()
  const clock = new ManualClock()
  const states: UpstreamStatus[] = [{ name: 'up', state: 'ready' }]
  const door = createAdminDoor({
    ...noAnswers,
    calls: {
      listen: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    upstreams: () => states,
    sealer: createSealer(freshKey(), systemRandom),
    clock,
    report: { log: () => undefined, counters: { add: (name) => void counted.push(name) } },
    decisions: noDecisions,
    listenHost: '127.0.0.1',
  })
  const { port } = await door.listen({ host: '127.0.0.1', port: 0 })
  closers.push(() => door.close())
  const open = async (query = ''): Promise<IncomingMessage> => {
    const req = get({ host: '127.0.0.1', port, path: `/admin/v1/events${query}`, agent: false })
    req.on('error', () => undefined)
    closers.push(() => void req.destroy())
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    return res
  }
  return { counted, listeners, clock, states, open }
}

it('who does not read is cut off and counted, and the others go on', async () => {
  const { counted, listeners, open } = await rig()
  const slow = await open('?types=call')
  slow.pause()
  const quick = await open('?types=call')
  let got = 0
  quick.on('data', (chunk: Buffer) => {
    got += chunk.length
  })
  expect(listeners.size).toBe(2)
  const record = aRecord({ item: 'x'.repeat(60_000) })
  const wasCut = await eventually(() => {
    for (const listener of [...listeners]) listener(record)
    return counted.includes('clients_cut')
  })
  expect(wasCut).toBe(true)
  expect(await eventually(() => listeners.size === 1)).toBe(true)
  const before = got
  for (const listener of listeners) listener(record)
  expect(await eventually(() => got > before)).toBe(true)
  expect(counted.filter((name) => name === 'clients_cut')).toHaveLength(1)
})

it('nothing is looked at and nobody listens once the last has gone', async () => {
  const { listeners, clock, states, open } = await rig()
  const res = await open()
  let text = ''
  res.on('data', (chunk: Buffer) => {
    text += chunk
  })
  expect(await eventually(() => text.includes('open'))).toBe(true)
  states[0] = { name: 'up', state: 'unavailable', reason: 'ENOENT' }
  await clock.advance(1_000)
  expect(await eventually(() => text.includes('"state":"unavailable","before":"ready","reason":"ENOENT"'))).toBe(true)
  await clock.advance(30_000)
  expect(await eventually(() => /\n:\s*\n\n$/.test(text))).toBe(true)
  res.destroy()
  expect(await eventually(() => listeners.size === 0)).toBe(true)
  await clock.advance(15_000)
  expect(clock.pending).toBe(0)
})
