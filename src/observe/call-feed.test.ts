import { expect, it } from 'vitest'
import { aCall } from '../../test/doubles/gateway/samples.ts'
import { aRecord } from '../../test/doubles/record.ts'
import type { CallRecord } from '../core/call/record.ts'
import type { Report } from '../core/ports/report.ts'
import { CallFeed } from './call-feed.ts'

const logged: string[] = []
const report: Report = { log: (_severity, event) => void logged.push(event), counters: { add: () => undefined } }

it('tells who listens of each call, after it was recorded, until they leave', () => {
  const feed = new CallFeed()
  const order: string[] = []
  const recorder = feed.telling({ record: ({ id }) => void order.push(`recorded ${id}`), bug: ({ id }) => void order.push(`bug ${id}`) })
  recorder.record(aRecord({ id: '1' }))
  const leave = feed.listen((record: CallRecord) => void order.push(`told ${record.id}`), report)
  recorder.record(aRecord({ id: '2' }))
  recorder.bug({ ...aCall(), id: '2' }, new Error('x'))
  leave()
  recorder.record(aRecord({ id: '3' }))
  expect(order).toEqual(['recorded 1', 'recorded 2', 'told 2', 'bug 2', 'recorded 3'])
  expect(feed.size).toBe(0)
})

it('a listener that fails is logged, and harms neither the call nor the others', () => {
  const feed = new CallFeed()
  const told: string[] = []
  feed.listen(() => {
    throw new Error('oops')
  }, report)
  feed.listen(({ id }) => void told.push(id), report)
  feed.telling({ record: () => undefined, bug: () => undefined }).record(aRecord({ id: '1' }))
  expect([told, logged]).toEqual([['1'], ['A bug in the gateway was caught']])
})
