import { expect, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { countingReport } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { Connection } from '../connection.ts'
import type { Detected } from './connect.ts'
import { Detection } from './detection.ts'

test('a bug in closing the connection that was made to look is told, and the verdict stands', async () => {
  const report = countingReport()
  const detection = new Detection({ clock: new ManualClock(), report })
  const detected: Detected = { era: 'modern', transport: 'stdio', sessionful: true, expiresAt: Number.POSITIVE_INFINITY }
  const connection = { close: () => Promise.reject(new Error('a bug')) } as Partial<Connection> as Connection
  expect(await detection.reconsider('legacy', async () => ({ connection, detected }))).toBe(true)
  expect(detection.current).toBe(detected)
  await expect.poll(() => report.counts.get('bugs connection')).toBe(1)
})
