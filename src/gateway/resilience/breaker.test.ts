import { describe, expect, it } from 'vitest'
import { done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { failed } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
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

  it('does not hear late answers of calls from before it opened', () => {
    const { breaker } = broken()
    breaker.settle(false, 'success')
    expect(breaker.state).toBe('open')
  })
})

describe('the verdict on an upstream', () => {
  it.each<[Kind, Record<string, unknown>, string]>([
    ['upstream_unavailable', {}, 'failure'],
    ['upstream_timeout', {}, 'failure'],
    ['outcome_unknown', {}, 'failure'],
    ['upstream_http_error', { status: 502 }, 'failure'],
    ['upstream_http_error', { status: 404 }, 'neutral'],
    ['upstream_busy', { status: 429 }, 'neutral'],
    ['upstream_error', {}, 'success'],
    ['cancelled', {}, 'neutral'],
    ['overloaded', {}, 'neutral'],
  ])('%s %j is a %s', (kind, detail, sample) => expect(sampleOf(failed(fault(kind, detail)))).toBe(sample))

  it('counts tool errors and questions as answers', () => {
    expect(sampleOf(done())).toBe('success')
    expect(sampleOf({ kind: 'task', result: emptyObject, handle: 't' })).toBe('success')
  })
})
