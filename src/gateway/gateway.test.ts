import { expect, it } from 'vitest'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../test/doubles/principal.ts'
import { aRun } from '../../test/doubles/run.ts'
import { anonymous } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { fault } from '../core/faults/catalogue.ts'
import { createGateway } from './gateway.ts'

const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: undefined, sampled: false, tracestate: undefined }
const came = { trace, requestId: '1', arrived: { at: 0, identifiedAt: 0 } }

it('the record of a refusal keeps principal, transport and revision, and no more of a name than fits', () => {
  const records: CallRecord[] = []
  const recorder = { record: (record: CallRecord) => void records.push(record), bug: () => {} }
  const gateway = createGateway({
    chains: {} as never,
    mounts: [],
    recorder,
    clock: new ManualClock(),
    identify: () => ({ principal: anonymous }),
    runOf: () => aRun(),
  })
  const refusal = {
    ...came,
    id: 'c1',
    mount: 'm',
    transport: 'sse',
    principal: anonymous,
    fault: fault('parse_error', {}),
    startedAtMs: 0,
  } as const
  gateway.refuse({ ...refusal, method: 'm'.repeat(1_000_000), revision: '2025-06-18' })
  gateway.refuse({ ...refusal, method: undefined, revision: 'r'.repeat(1_000_000), principal: undefined })
  expect(records.map(({ family, mount, caller }) => ({ family, mount, ...caller.arrival, sub: caller.principal?.sub }))).toEqual([
    { family: 'refused', mount: 'm', transport: 'sse', revision: '2025-06-18', sub: 'anonymous' },
    { family: 'refused', mount: 'm', transport: 'sse', revision: 'r'.repeat(128), sub: undefined },
  ])
  expect(records[0]?.method).toHaveLength(128)
})

it('the audit is told of whoever is not let in, with the reason and the id of the request', () => {
  const refused: CallRecord[] = []
  const recorder = { record: () => {}, bug: () => {} }
  const none = () => undefined
  const gateway = createGateway({
    chains: {} as never,
    mounts: [],
    recorder,
    clock: new ManualClock(),
    identify: () => ({ principal: anonymous }),
    runOf: () => aRun(),
    audit: { refusal: none, settled: none, closed: none, unclaimed: none, refused: (record) => void refused.push(record) },
  })
  const refusal = { ...came, mount: '', transport: 'http', method: undefined, revision: undefined, startedAtMs: 7 } as const
  const alice = aPrincipal({ credential: 'token-1' })
  gateway.refuse({ ...refusal, id: 'c1', principal: undefined, fault: fault('unauthenticated', { reason: 'the request shows none' }) })
  gateway.refuse({ ...refusal, id: 'c2', principal: undefined, fault: fault('parse_error', {}) })
  gateway.refuse({ ...refusal, id: 'c3', principal: alice, fault: fault('session_unknown', {}) })
  expect(refused).toMatchObject([
    { id: 'c1', atMs: 7, fault: { kind: 'unauthenticated', message: expect.stringContaining('shows none') } },
    { id: 'c2', fault: { kind: 'parse_error' } },
    { id: 'c3', caller: { principal: alice }, fault: { kind: 'session_unknown' } },
  ])
})
