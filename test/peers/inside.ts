// The inside of a gateway without doors, called as a door calls it, by principals of the test's choice. The clock is the real one, but for
// what takes minutes: that happens when the test says so.

import { assembleInside, type Inside } from '../../src/assembly/gateway.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import { Deadline } from '../../src/core/call/deadline.ts'
import { type CallEvent, openExchange } from '../../src/core/call/exchange.ts'
import { endless } from '../../src/core/call/expiry.ts'
import type { Outcome } from '../../src/core/call/outcome.ts'
import { payloadOf } from '../../src/core/call/payload.ts'
import { anonymous } from '../../src/core/call/principal.ts'
import type { CallRecord } from '../../src/core/call/record.ts'
import type { Clock } from '../../src/core/ports/clock.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { createSealer, freshKey } from '../../src/platform/seal/aes-sealer.ts'
import { noDecisions } from '../doubles/decisions.ts'
import { aCall } from '../doubles/gateway/samples.ts'
import { aPrincipal } from '../doubles/principal.ts'
import { eventually } from './processes.ts'

export interface Leg {
  readonly outcome: Outcome
  readonly events: readonly CallEvent[]
}

export interface InsideUnderTest {
  readonly records: CallRecord[]
  readonly counted: Map<string, number>
  readonly logged: { event: string; fields: Readonly<Record<string, unknown>> }[]
  /** One leg of a call of `sub`, delivered at once. `more` joins the params: `inputResponses`, `requestState`. */
  call(sub: string, tool: string, args?: Record<string, unknown>, more?: Record<string, unknown>): Promise<Leg>
  /** Moves the stamps on by so many ms; timers stay. */
  age(ms: number): void
  /** Lets so many ms pass for what is measured; timers stay. */
  pass(ms: number): void
  /** Ends every wait of ten minutes and more. */
  endLongWaits(): void
  stop(): Promise<void>
}

const longMs = 590_000

export async function startInside(config: Record<string, unknown>): Promise<InsideUnderTest> {
  const settings = settingsSchema.parse(config)
  const records: CallRecord[] = []
  const counted = new Map<string, number>()
  const logged: InsideUnderTest['logged'] = []
  const waits = new Set<() => void>()
  let aged = 0
  let passed = 0
  const clock: Clock = {
    now: () => systemClock.now() + aged + passed,
    mono: () => systemClock.mono() + passed,
    timer: (ms, work) => {
      if (ms < longMs) return systemClock.timer(ms, work)
      waits.add(work)
      return { cancel: () => void waits.delete(work) }
    },
  }
  const inside: Inside = assembleInside({
    settings,
    broken: new Map(),
    clock,
    random: systemRandom,
    report: {
      log: (_severity, event, fields = {}) => void logged.push({ event, fields }),
      counters: { add: (name, _labels, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by) },
    },
    sealer: createSealer(freshKey(), systemRandom),
    recorder: {
      record: (record) => void records.push(record),
      bug: (_id, error) => {
        throw error
      },
    },
    replica: 'one',
    decisions: noDecisions,
    challenge: () => undefined,
    identify: () => ({ principal: anonymous }),
    outside: { event: () => undefined, ask: async () => undefined },
  })
  await inside.catalog.start()
  await Promise.all([...inside.upstreams.values()].map((upstream) => upstream.ready(new AbortController().signal)))
  await eventually(() => !inside.catalog.status().some((one) => one.pending))
  return {
    records,
    counted,
    logged,
    call: async (sub, tool, args = {}, more = {}) => {
      const events: CallEvent[] = []
      const exchange = openExchange(clock, { idleMs: 20_000, totalMs: 60_000 }, { emit: (event) => void events.push(event) }, endless)
      const outcome = await inside.gateway.handle(
        aCall({
          id: systemRandom.id(),
          target: tool,
          params: payloadOf({ name: tool, arguments: args, ...more }),
          caller: {
            principal: aPrincipal({ sub }),
            client: { name: `client of ${sub}`, version: '1' },
            capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
            affinity: undefined,
            arrival: { transport: 'http', revision: '2026-07-28' },
            headers: undefined,
          },
          interest: { progress: true, logLevel: 'debug' },
        }),
        exchange,
      )
      exchange.close('delivered')
      return { outcome, events }
    },
    age: (ms) => {
      aged += ms
    },
    pass: (ms) => {
      passed += ms
    },
    endLongWaits: () => {
      for (const work of [...waits]) {
        waits.delete(work)
        work()
      }
    },
    stop: async () => {
      inside.events.drain()
      inside.catalog.stop()
      const deadline = new Deadline(clock, { idleMs: 2_000, totalMs: 2_000 }, () => undefined)
      await Promise.all([...inside.upstreams.values()].map((upstream) => upstream.drain(deadline)))
      deadline.close()
      await inside.close()
    },
  }
}
