import { expect, it } from 'vitest'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { anonymous } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { fault } from '../core/faults/catalogue.ts'
import { createGateway } from './gateway.ts'

it('the record of a refusal keeps principal, transport and revision, and no more of a name than fits', () => {
  const records: CallRecord[] = []
  const recorder = { record: (record: CallRecord) => void records.push(record), bug: () => {} }
  const gateway = createGateway({
    chains: {} as never,
    mounts: [],
    recorder,
    clock: new ManualClock(),
    identify: () => ({ principal: anonymous }),
  })
  const refusal = { id: 'c1', mount: 'm', transport: 'sse', principal: anonymous, fault: fault('parse_error', {}), startedAtMs: 0 } as const
  gateway.refuse({ ...refusal, method: 'm'.repeat(1_000_000), revision: '2025-06-18' })
  gateway.refuse({ ...refusal, method: undefined, revision: 'r'.repeat(1_000_000), principal: undefined })
  expect(records.map(({ family, mount, caller }) => ({ family, mount, ...caller.arrival, sub: caller.principal?.sub }))).toEqual([
    { family: 'refused', mount: 'm', transport: 'sse', revision: '2025-06-18', sub: 'anonymous' },
    { family: 'refused', mount: 'm', transport: 'sse', revision: 'r'.repeat(128), sub: undefined },
  ])
  expect(records[0]?.method).toHaveLength(128)
})
