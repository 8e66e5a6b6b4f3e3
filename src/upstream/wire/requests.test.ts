import { expect, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { countingReport } from '../../../test/doubles/upstream/upstream-rig.ts'
import { request } from './requests.ts'
import type { Wire } from './wire.ts'

test('a bug in telling the peer that nobody waits is told, and the answer is what it was', async () => {
  const clock = new ManualClock()
  const report = countingReport()
  const wire = {
    transport: 'stdio',
    nextId: () => 1,
    request: ({ signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve({ kind: 'aborted', sent: true }), { once: true })),
    post: () => Promise.reject(new Error('a bug')),
  } as Partial<Wire> as Wire
  const answer = request(wire, { clock, report }, { method: 'ping', params: undefined, headers: {}, timeoutMs: 10, maxBytes: 1 })
  await clock.advance(10)
  expect(await answer).toEqual({ kind: 'timeout' })
  await expect.poll(() => report.counts.get('bugs connection')).toBe(1)
})
