// A gateway for tests of doors: answers from a function, keeps what it was asked and how it ended. Everything else of the context is real.
import type { Call } from '../../../src/core/call/call.ts'
import type { Delivery, Exchange } from '../../../src/core/call/exchange.ts'
import { complete, type Outcome, type ResultFacts } from '../../../src/core/call/outcome.ts'
import { payload, payloadOf } from '../../../src/core/call/payload.ts'
import { anonymous } from '../../../src/core/call/principal.ts'
import type { Clock } from '../../../src/core/ports/clock.ts'
import type { Gateway, Identified, Presented, Refusal } from '../../../src/core/ports/gateway.ts'
import type { Report } from '../../../src/core/ports/report.ts'
import { resultFacts } from '../../../src/core/protocol/jsonrpc.ts'
import type { DoorContext } from '../../../src/downstream/door.ts'
import { drainSettings, type HttpSettings, httpSettings, sessionSettings, sseSettings } from '../../../src/downstream/settings.ts'
import { Runs } from '../../../src/gateway/runs/index.ts'
import { systemClock } from '../../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../../src/platform/random/system-random.ts'
import { createSealer, freshKey } from '../../../src/platform/seal/aes-sealer.ts'
import { createMemoryEphemeral } from '../../../src/platform/store/memory/ephemeral.ts'
import { allSampled } from '../propagation.ts'

export interface Walked {
  readonly call: Call
  readonly exchange: Exchange
  delivery: Delivery | undefined
}

export interface TestGateway extends Gateway {
  readonly calls: Walked[]
  readonly refusals: Refusal[]
}

export type Answering = (call: Call, exchange: Exchange) => Outcome | Promise<Outcome>

export function testGateway(
  answering: Answering,
  options: { mounts?: readonly string[]; identify?: (presented: Presented) => Identified } = {},
): TestGateway {
  const calls: Walked[] = []
  const refusals: Refusal[] = []
  const runs = new Runs({ clock: systemClock, random: systemRandom })
  return {
    calls,
    refusals,
    identify: async (presented) => options.identify?.(presented) ?? { principal: anonymous },
    runOf: (principal, session, meta, headers) => runs.of(principal, session, meta, headers),
    handle: async (call, exchange) => {
      const walked: Walked = { call, exchange, delivery: undefined }
      calls.push(walked)
      exchange.onClose((delivery) => {
        walked.delivery = delivery
      })
      return answering(call, exchange)
    },
    refuse: (refusal) => void refusals.push(refusal),
    ofSession: async (_request, { run, answer }) => void answer(await run()),
    mounts: () => options.mounts ?? [],
  }
}

export interface TestContext extends DoorContext {
  readonly counted: Map<string, number>
  readonly logged: string[]
  readonly drain: AbortController
}

export interface ContextChange {
  readonly eventBytes?: number
  readonly profile?: 'dev' | 'production'
  readonly http?: Partial<HttpSettings>
  readonly clock?: Clock
  readonly forwarded?: readonly string[]
}

export function testContext(gateway: Gateway, change: ContextChange = {}): TestContext {
  const counted = new Map<string, number>()
  const logged: string[] = []
  const report: Report = {
    log: (_severity, event) => void logged.push(event),
    counters: { add: (name, _labels, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by) },
  }
  const drain = new AbortController()
  const clock = change.clock ?? systemClock
  return {
    gateway,
    clock,
    random: systemRandom,
    propagation: allSampled,
    sealer: createSealer(freshKey(), systemRandom),
    ephemeral: createMemoryEphemeral(clock, report),
    report,
    server: { name: 'signalbox-test', version: '1.2.3' },
    limits: { idleMs: 5_000, totalMs: 20_000 },
    eventBytes: change.eventBytes ?? 1_048_000,
    settings: {
      profile: change.profile ?? 'dev',
      http: { ...httpSettings.parse({}), ...change.http },
      sessions: sessionSettings.parse({}),
      sse: sseSettings.parse({}),
      drain: drainSettings.parse({}),
    },
    forwarded: new Set(change.forwarded ?? []),
    draining: drain.signal,
    counted,
    logged,
    drain,
  }
}

/** A complete outcome from a value, or from JSON text byte for byte. */
export function completed(result: unknown): Outcome {
  if (typeof result === 'string') {
    const bytes = Buffer.from(result)
    return complete(payload(bytes), resultFacts(bytes) as ResultFacts)
  }
  const whole = payloadOf(result)
  return complete(whole, resultFacts(whole.bytes) as ResultFacts)
}
