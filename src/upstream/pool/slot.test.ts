import { expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { countingReport } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import type { Connected } from './connect.ts'
import { Slot } from './slot.ts'

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
  const slot = new Slot(context, make, { session: undefined, spare: false })
  expect(await slot.get()).toMatchObject({ kind: 'upstream_unavailable' })
  expect(slot.isOpening).toBe(false)
  expect(report.counts.get('bugs connection')).toBe(1)
  await clock.advance(60_000)
  expect(await slot.get()).toBe(connection)
  await slot.close()
})
