import { describe, expect, it } from 'vitest'
import { aCall } from '../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../test/doubles/principal.ts'
import { aRun } from '../../test/doubles/run.ts'
import type { Delivery } from '../core/call/exchange.ts'
import { anonymous } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { fault } from '../core/faults/catalogue.ts'
import type { Fault } from '../core/faults/fault.ts'
import { createGateway } from './gateway.ts'

const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: undefined, sampled: false, tracestate: undefined }
const came = { trace, requestId: '1', arrived: { at: 0, identifiedAt: 0 } }

it('the record of a refusal keeps principal, transport and revision, and no more of a name than fits', () => {
  const records: CallRecord[] = []
  const recorder = { record: (record: CallRecord) => void records.push(record), bug: () => {} }
  const gateway = createGateway({
    chains: {} as never,
    mounts: () => [],
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
    mounts: () => [],
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

describe('a request that is about its session alone', () => {
  const away = fault('store_unavailable', { what: 'the audit' })
  const bad = fault('invalid_params', { reason: 'level' })

  /** What became of it: what was done and answered, and what the audit and the records have. */
  async function asked(run: () => Promise<Fault | undefined>, kept: boolean, refused?: Fault, delivery: Delivery = 'delivered') {
    const order: string[] = []
    const recorder = {
      record: ({ outcome, family, termination }: CallRecord) => void order.push(`record ${family} ${outcome} ${termination}`),
      bug: () => void order.push('bug'),
    }
    const gateway = createGateway({
      chains: {} as never,
      mounts: () => [],
      recorder,
      clock: new ManualClock(),
      identify: () => ({ principal: anonymous }),
      runOf: () => aRun(),
      audit: {
        refusal: () => refused,
        settled: async ({ outcome, item, method }) => {
          order.push(`row ${method} ${item} ${outcome}`)
          return kept
        },
        closed: (record) => void order.push(`closed ${record.delivery} ${record.fault?.sideEffect}`),
        unclaimed: () => {},
        refused: () => {},
      },
    })
    const { caller, run: ofRun } = aCall()
    const request = {
      ...came,
      id: 'c1',
      method: 'resources/subscribe',
      target: 'a://b',
      mount: '',
      caller,
      run: ofRun,
      params: undefined,
      startedAtMs: 0,
    }
    await gateway.ofSession(request, {
      run: () => {
        order.push('done')
        return run()
      },
      answer: (ended) => {
        order.push(`answered ${ended?.kind}`)
        return delivery
      },
    })
    return order
  }
  const well = async () => undefined

  it('is done, has its row, is answered, and then has its record', async () => {
    expect(await asked(well, true)).toEqual([
      'done',
      'row resources/subscribe a://b complete',
      'answered undefined',
      'closed delivered undefined',
      'record session complete --',
    ])
    expect((await asked(async () => bad, true)).slice(1)).toEqual([
      'row resources/subscribe a://b fault',
      'answered invalid_params',
      'closed delivered none',
      'record session fault PR',
    ])
    expect((await asked(well, true, undefined, 'client_gone')).slice(3)).toEqual([
      'closed client_gone undefined',
      'record session complete CL',
    ])
  })

  it('is not begun while its row could not be kept, and not answered as done where it was not', async () => {
    expect(await asked(well, true, away)).not.toContain('done')
    expect(await asked(well, false)).toEqual([
      'done',
      'row resources/subscribe a://b complete',
      'answered store_unavailable',
      'closed delivered applied',
      'record session fault PR',
    ])
  })

  it('is answered where a bug was met', async () => {
    const order = await asked(() => Promise.reject(new Error('bug')), true)
    expect(order).toEqual(expect.arrayContaining(['bug', 'answered internal', 'record session fault IR']))
  })
})
