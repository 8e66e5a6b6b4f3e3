import { expect, it } from 'vitest'
import { fault } from './catalogue.ts'
import { faultError, faultResult } from './wire-form.ts'

const found = fault('upstream_auth_failed', { upstream: 'up', failure: 'f', remedy: 'r' }, { said: ['Bad credentials', 'see the page'] })

it('what a server said goes with the fault that was recognised in it: in a result as further texts, in an error as data', () => {
  expect(faultResult(found, { correlationId: 'c' }, true).content).toEqual([
    { type: 'text', text: found.message },
    { type: 'text', text: 'Bad credentials' },
    { type: 'text', text: 'see the page' },
  ])
  expect(faultError(found, { correlationId: 'c' }).data).toMatchObject({
    'signalbox.dev/fault': { kind: 'upstream_auth_failed' },
    'signalbox.dev/said': ['Bad credentials', 'see the page'],
  })
  expect(faultError(fault('draining'), { correlationId: 'c' }).data).not.toHaveProperty('signalbox.dev/said')
})

it('a fault of a call names the run that it belongs to; one of no call names none', () => {
  const own = (run?: string) =>
    (faultError(fault('draining'), { correlationId: 'c', run }).data as Record<string, unknown>)['signalbox.dev/fault']
  expect(own('r-1')).toMatchObject({ correlation_id: 'c', run: 'r-1' })
  expect(own()).not.toHaveProperty('run')
  expect(faultResult(fault('draining'), { correlationId: 'c', run: 'r-1' }, false)).toMatchObject({
    structuredContent: { error: { run: 'r-1' } },
    _meta: { 'signalbox.dev/fault': { run: 'r-1' } },
  })
})
