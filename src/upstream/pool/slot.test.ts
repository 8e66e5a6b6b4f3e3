import { expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { countingReport } from '../../../test/doubles/upstream/upstream-rig.ts'
import { sendAgain } from '../../core/call/again.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import type { Connected } from './connect.ts'
import { Slot } from './slot.ts'

const noCredential = () => ({ id: '', headers: () => ({}), reject: () => false })

function rig() {
  const clock = new ManualClock()
  const report = countingReport()
  const random = { fraction: () => 1, bytes: () => new Uint8Array(), id: () => '' }
  const context = { id: 'up', clock, report, random } as unknown as Context
  return { clock, report, context }
}

function aConnection(more: Partial<Connection> = {}): Connected {
  const connection = {
    description: { transport: 'streamable-http' },
    busy: 0,
    close: async () => undefined,
    hear: async () => ({}),
    ...more,
  }
  return {
    connection: connection as unknown as Connection,
    detected: { era: 'legacy', transport: 'streamable-http', sessionful: true, expiresAt: 0 },
  }
}

it('who waited out a backoff by a timer that fired a little early makes the next attempt', async () => {
  const { clock, context } = rig()
  let attempts = 0
  const make = async (): Promise<Connected> => {
    attempts += 1
    return attempts === 1 ? { fault: fault('upstream_unavailable', { upstream: 'up', reason: 'refused' }) } : aConnection()
  }
  const slot = new Slot(context, make, noCredential, { session: undefined, spare: false })
  await slot.get()
  const turnedAway = await slot.get()
  expect([attempts, 'retryAfterMs' in turnedAway && turnedAway.retryAfterMs]).toEqual([1, 500])
  await clock.advance(499.5)
  expect(await slot.get()).toHaveProperty('close')
  await slot.close()
})

it.each([
  [true, 'at once'],
  [false, 'after a backoff'],
])('a connection lost young, again and again, is opened anew where it served a call (%s): %s', async (hasServed, how) => {
  const { context } = rig()
  const slot = new Slot(context, async () => aConnection({ hasServed }), noCredential, { session: undefined, spare: false })
  const found: string[] = []
  for (let n = 0; n < 4; n += 1) {
    const got = await slot.get()
    found.push('close' in got ? 'at once' : 'after a backoff')
    if ('close' in got) got.onEnd(fault('upstream_unavailable', { upstream: 'up', reason: 'it no longer knew the session' }))
  }
  expect(found.at(-1)).toBe(how)
  await slot.close()
})

it.each([[evidence.connection_ended], [undefined]])(
  'who comes while a connection that was lost young is not made anew may wait for it, where trying at once would meet the same',
  async (of) => {
    const { context } = rig()
    const slot = new Slot(context, async () => aConnection(), noCredential, { session: undefined, spare: false })
    const lost = fault('upstream_unavailable', { upstream: 'up', reason: 'its process ended' }, { evidence: of })
    for (let n = 0; n < 2; n += 1) {
      const got = await slot.get()
      if ('close' in got) got.onEnd(lost)
    }
    const meanwhile = await slot.get()
    if ('close' in meanwhile) throw new Error('it was made anew at once')
    // It was sent to nobody, and one attempt was made and lost before.
    const tried = { repeatable: true, attempts: 1, renewed: ['connection'] as const, heard: false, remainingMs: 10_000 }
    const { retryAfterMs = 0 } = meanwhile
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(sendAgain(meanwhile, tried, context.random)?.afterMs).toBeGreaterThanOrEqual(retryAfterMs)
    expect(sendAgain(meanwhile, { ...tried, repeatable: false }, context.random)).toBeDefined()
    expect(sendAgain(meanwhile, { ...tried, remainingMs: retryAfterMs }, context.random)).toBeUndefined()
    await slot.close()
  },
)

it('a factory that throws costs its attempt: the slot is free for the next, and closes', async () => {
  const clock = new ManualClock()
  const report = countingReport()
  const context = {
    id: 'up',
    clock,
    report,
    random: { fraction: () => 0, bytes: () => new Uint8Array(), id: () => '' },
  } as unknown as Context
  const connection = {
    description: { transport: 'stdio' },
    busy: 0,
    close: async () => undefined,
    hear: async () => ({}),
  } as unknown as Connection
  let attempts = 0
  const make = async (): Promise<Connected> => {
    attempts += 1
    if (attempts === 1) throw new Error('a bug')
    return { connection, detected: { era: 'legacy', transport: 'stdio', sessionful: true, expiresAt: 0 } }
  }
  const slot = new Slot(context, make, noCredential, { session: undefined, spare: false })
  expect(await slot.get()).toMatchObject({ kind: 'upstream_unavailable' })
  expect(slot.isOpening).toBe(false)
  expect(report.counts.get('bugs connection')).toBe(1)
  await clock.advance(60_000)
  expect(await slot.get()).toBe(connection)
  await slot.close()
})
