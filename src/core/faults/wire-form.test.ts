import { expect, it } from 'vitest'
import { fault } from './catalogue.ts'
import { faultError, faultResult } from './wire-form.ts'

const found = fault('upstream_auth_failed', { upstream: 'up', failure: 'f', remedy: 'r' }, { said: ['Bad credentials', 'see the page'] })

it('what a server said goes with the fault that was recognised in it: in a result as further texts, in an error as data', () => {
  expect(faultResult(found, 'c', true).content).toEqual([
    { type: 'text', text: found.message },
    { type: 'text', text: 'Bad credentials' },
    { type: 'text', text: 'see the page' },
  ])
  expect(faultError(found, 'c').data).toMatchObject({
    'signalbox.dev/fault': { kind: 'upstream_auth_failed' },
    'signalbox.dev/said': ['Bad credentials', 'see the page'],
  })
  expect(faultError(fault('draining'), 'c').data).not.toHaveProperty('signalbox.dev/said')
})
