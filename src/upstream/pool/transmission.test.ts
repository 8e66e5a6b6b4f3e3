import { expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { TargetedCall } from '../../core/call/call.ts'
import { openExchange } from '../../core/call/exchange.ts'
import { endless } from '../../core/call/expiry.ts'
import { failed } from '../../core/call/outcome.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { Connection } from '../connection.ts'
import { type ConnectionSource, Transmission } from './transmission.ts'

const clock = new ManualClock()
const lease: CredentialLease = { id: '', headers: () => ({}), reject: () => false }
const exchange = openExchange(clock, { idleMs: 1_000, totalMs: 1_000 }, { emit: () => {} }, endless)
const call = { caller: {}, upstream: 'up', method: 'tools/call' } as TargetedCall

function source(send: Connection['send'], forget: ConnectionSource['forget'] = () => {}): ConnectionSource {
  const connection = { send, close: async () => {} } as unknown as Connection
  return {
    clock,
    words: undefined,
    lease: () => lease,
    connectionFor: () => connection,
    told: undefined,
    forget,
    unreachable: () => {},
    nextQueue: () => 0,
  }
}

it.each([
  [
    'a connection throws at once',
    source(() => {
      throw new Error('bug')
    }),
  ],
  ['a connection rejects', source(() => Promise.reject(new Error('bug')))],
  [
    'the pool throws',
    source(
      async () => failed(fault('upstream_error', {}, { evidence: evidence.revision_changed })),
      () => {
        throw new Error('bug')
      },
    ),
  ],
])('is over exactly once, and rejects, where %s', async (_how, broken) => {
  let over = 0
  await expect(
    new Transmission(broken, call, exchange, () => {
      over += 1
    }).send(),
  ).rejects.toThrow('bug')
  expect(over).toBe(1)
})
