import { expect, it } from 'vitest'
import { aCall, countedRandom, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import type { Call } from '../../core/call/call.ts'
import { type CallEvent, type Exchange, type Interest, tell } from '../../core/call/exchange.ts'
import { endless } from '../../core/call/expiry.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { Subscriptions } from './subscriptions.ts'

const uri = 'test://watched'

/** Subscriptions as a session has them that goes on after a new start, at a gateway that takes what is known to it. */
function restored() {
  const clock = new ManualClock()
  const known = new Set<string>()
  const asked: Interest[] = []
  const open: { exchange: Exchange; end: (outcome: Outcome) => void }[] = []
  const told: CallEvent[] = []
  const handle = (call: Call, exchange: Exchange): Promise<Outcome> => {
    const interest = call.params.json() as Interest
    asked.push(interest)
    const uris = (interest.resourceSubscriptions ?? []).filter((one) => known.has(one))
    tell(exchange, { kind: 'acknowledged', notifications: { resourceSubscriptions: uris } })
    return new Promise((resolve) => {
      open.push({ exchange, end: resolve })
      exchange.signal.addEventListener('abort', () => resolve(done()))
    })
  }
  const limits = { idleMs: 60_000, totalMs: 900_000 }
  const draining = new AbortController().signal
  const context = { gateway: { handle }, clock, random: countedRandom(0.5), report: silentReport, limits, draining } as never
  const call = (interest: Interest): Call => aCall({ method: 'subscriptions/listen', family: 'listen', params: payloadOf(interest) })
  const subscriptions = new Subscriptions({ context, credential: endless, lists: ['tools'], call, notify: (event) => told.push(event) }, [
    uri,
  ])
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) await Promise.resolve()
  }
  const update = (): void => tell(open.at(-1)?.exchange as Exchange, { kind: 'updated', uri, params: payloadOf({ uri }) })
  return { clock, known, asked, open, told, subscriptions, settled, update }
}

it('asks again for a resource whose server was not known yet, and then hears of it; no list is told as changed for that', async () => {
  const { clock, known, asked, told, subscriptions, settled, update } = restored()
  subscriptions.listen(true)
  await settled()
  expect(asked).toHaveLength(1)
  await clock.advance(1_000)
  await settled()
  expect(asked).toHaveLength(2)
  known.add(uri)
  await clock.advance(2_000)
  await settled()
  expect(asked).toHaveLength(3)
  update()
  expect(told).toMatchObject([{ kind: 'updated', uri }])
  await clock.advance(120_000)
  expect(asked).toHaveLength(3)
})

it('asks less and less often for one that stays unknown', async () => {
  const { clock, asked, subscriptions, settled } = restored()
  subscriptions.listen(true)
  for (let second = 0; second < 300; second += 1) {
    await settled()
    await clock.advance(1_000)
  }
  expect(asked.length).toBeGreaterThan(8)
  expect(asked.length).toBeLessThan(18)
})

it('a listen that is lost while something is asked for again is opened anew, and the lists are told as changed', async () => {
  const { clock, known, asked, open, told, subscriptions, settled } = restored()
  subscriptions.listen(true)
  await settled()
  known.add(uri)
  open.at(-1)?.end(done())
  await settled()
  await clock.advance(1_000)
  await settled()
  expect(asked).toHaveLength(2)
  expect(told).toEqual([{ kind: 'changed', list: 'tools' }])
})

it('one that a client asks for and that is refused is not asked for again', async () => {
  const { clock, known, asked, subscriptions, settled } = restored()
  known.add(uri)
  subscriptions.listen(true)
  await settled()
  expect(await subscriptions.subscribe('test://other')).toMatchObject({ kind: 'not_subscribable' })
  const before = asked.length
  await clock.advance(60_000)
  await settled()
  expect(asked.slice(before).some(({ resourceSubscriptions = [] }) => resourceSubscriptions.includes('test://other'))).toBe(false)
  expect(asked.length - before).toBeLessThan(2)
})
