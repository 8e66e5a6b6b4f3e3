import { describe, expect, it } from 'vitest'
import { done } from '../../../test/doubles/gateway/samples.ts'
import { fault } from '../faults/catalogue.ts'
import { evidence } from '../faults/evidence.ts'
import type { EndReason } from './exchange.ts'
import { failed, type Outcome } from './outcome.ts'
import type { PhaseName } from './phases.ts'
import { endedAt, enders, terminationOf } from './termination.ts'

const up = { upstream: 'up' }
const timeout = failed(fault('upstream_timeout', up, { evidence: evidence.deadline }))
const lost = failed(fault('upstream_unavailable', up, { evidence: evidence.connection_lost }))

describe('two letters say who ended a call, and what it was at', () => {
  it.each<[string, string, Outcome, PhaseName, EndReason | undefined]>([
    ['--', 'the server answered', done(), 'wait', undefined],
    ['PR', 'a rule refused it', failed(fault('forbidden', {})), 'request', undefined],
    ['PR', 'its arguments are wrong', failed(fault('invalid_arguments', {})), 'request', undefined],
    ['PR', 'a circuit was open', failed(fault('circuit_open', up)), 'request', undefined],
    ['RQ', 'a queue was full', failed(fault('overloaded', up)), 'queue', undefined],
    ['sQ', 'its time was over while it waited for a place', failed(fault('overloaded', up)), 'queue', 'deadline'],
    ['SC', 'nobody listens', failed(fault('upstream_unavailable', up, { evidence: evidence.connection_refused })), 'connect', undefined],
    ['sC', 'connecting took too long', failed(fault('upstream_timeout', up, { evidence: evidence.connect_timeout })), 'connect', undefined],
    ['sH', 'nothing came back in time', timeout, 'wait', 'deadline'],
    ['cH', 'its client stated less', failed(fault('upstream_timeout', up, { evidence: evidence.caller_deadline })), 'wait', 'deadline'],
    ['SH', 'the connection was cut', lost, 'wait', undefined],
    ['SD', 'it was cut after events', lost, 'stream', undefined],
    ['CH', 'its client went', failed(fault('cancelled', {}, { evidence: evidence.ended })), 'wait', 'client_gone'],
    ['CD', 'its client cancelled it', failed(fault('cancelled', {}, { evidence: evidence.ended })), 'stream', 'cancelled'],
    ['DH', 'the gateway drains', failed(fault('draining', {}, { evidence: evidence.ended })), 'wait', 'drain'],
    ['IR', 'a bug of ours', failed(fault('internal', {})), 'request', 'failed'],
  ])('%s: %s', (letters, _what, outcome, phase, why) => {
    expect(terminationOf(outcome, phase, why, false, undefined)).toBe(letters)
  })

  it('tells answers of the gateway itself, and answers that nobody took', () => {
    expect(terminationOf(done(), 'request', undefined, true, 'delivered')).toBe('L-')
    expect(terminationOf(done(), 'wait', undefined, false, 'client_gone')).toBe('CL')
    expect(terminationOf(done(), 'wait', undefined, false, 'failed')).toBe('IL')
  })

  it('knows what each letter means', () => {
    expect(Object.keys(enders)).toEqual(['-', 'C', 'c', 'S', 's', 'P', 'L', 'R', 'D', 'I'])
    expect(Object.keys(endedAt)).toEqual(['-', 'R', 'Q', 'C', 'H', 'D', 'L'])
  })
})
