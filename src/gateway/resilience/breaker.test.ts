import { describe, expect, it } from 'vitest'
import { done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { failed } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import { Breaker, sampleOf } from './breaker.ts'

function broken(times = 3) {
  const clock = new ManualClock()
  const states: string[] = []
  const breaker = new Breaker(clock, { failures: 3, openMs: 1_000 }, (state) => states.push(state))
  for (let i = 0; i < times; i += 1) breaker.settle(false, 'failure')
  return { clock, breaker, states }
}

describe('a breaker', () => {
  it('opens after failures in a row and says how long to wait', async () => {
    const { breaker, clock } = broken()
    expect(breaker.state).toBe('open')
    await clock.advance(400)
    expect(breaker.admit()).toEqual({ admitted: false, retryAfterMs: 600 })
  })

  it('forgets failures at a success, and nothing else makes it forget', () => {
    const { breaker } = broken(2)
    breaker.settle(false, 'neutral')
    breaker.settle(false, 'success')
    breaker.settle(false, 'failure')
    expect(breaker.state).toBe('closed')
  })

  it('admits one trial when the time is over, and closes when it succeeds', async () => {
    const { breaker, clock, states } = broken()
    await clock.advance(1_000)
    expect(breaker.state).toBe('half-open')
    expect(breaker.admit()).toEqual({ admitted: true, trial: true })
    expect(breaker.admit()).toMatchObject({ admitted: false })
    breaker.settle(true, 'success')
    expect(breaker.admit()).toEqual({ admitted: true, trial: false })
    expect(states).toEqual(['open', 'half-open', 'closed'])
  })

  it('opens anew when the trial fails', async () => {
    const { breaker, clock } = broken()
    await clock.advance(1_000)
    breaker.admit()
    breaker.settle(true, 'failure')
    expect(breaker.admit()).toEqual({ admitted: false, retryAfterMs: 1_000 })
  })

  it('gives the trial to the next call when the first says nothing', async () => {
    const { breaker, clock } = broken()
    await clock.advance(1_000)
    breaker.admit()
    breaker.settle(true, 'neutral')
    expect(breaker.admit()).toEqual({ admitted: true, trial: true })
  })

  it('does not open for a trial that fails after it was reset', async () => {
    const { breaker, clock } = broken()
    await clock.advance(1_000)
    breaker.admit()
    breaker.reset()
    breaker.settle(true, 'failure')
    expect([breaker.state, breaker.failures]).toEqual(['closed', 1])
  })

  it('does not hear late answers of calls from before it opened', () => {
    const { breaker } = broken()
    breaker.settle(false, 'success')
    expect(breaker.state).toBe('open')
  })
})

describe('the verdict on an upstream', () => {
  it.each<[Kind, keyof typeof evidence, string]>([
    ['upstream_unavailable', 'connection_refused', 'failure'],
    ['upstream_timeout', 'deadline', 'failure'],
    ['upstream_start_failed', 'start_failed', 'failure'],
    ['upstream_protocol_error', 'answer_invalid', 'failure'],
    ['outcome_unknown', 'connection_lost', 'failure'],
    ['upstream_http_error', 'server_error', 'failure'],
    ['upstream_busy', 'service_unavailable', 'failure'],
    ['upstream_busy', 'too_many_requests', 'neutral'],
    ['upstream_http_error', 'other_status', 'neutral'],
    ['upstream_http_error', 'session_unknown', 'neutral'],
    ['upstream_auth_failed', 'credential_refused', 'neutral'],
    ['config_error', 'not_configured', 'neutral'],
    ['cancelled', 'ended', 'neutral'],
    ['upstream_error', 'error_answer', 'success'],
    ['result_too_large', 'answer_too_large', 'success'],
  ])('%s by %s is a %s', (kind, found, sample) => {
    expect(sampleOf(failed(fault(kind, {}, { evidence: evidence[found] })))).toBe(sample)
  })

  it('is nobody’s where the fault is our own', () => {
    for (const kind of ['circuit_open', 'overloaded', 'draining', 'internal'] as const)
      expect(sampleOf(failed(fault(kind)))).toBe('neutral')
  })

  it('counts tool errors and questions as answers', () => {
    expect(sampleOf(done())).toBe('success')
    expect(sampleOf({ kind: 'task', result: emptyObject, handle: 't' })).toBe('success')
  })
})
