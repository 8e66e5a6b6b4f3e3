import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { telemetrySettings } from '../settings.ts'
import { createSampler } from './sampler.ts'
import { readSampling } from './sampling.ts'
import { Tail } from './tail.ts'

const traceId = (): string => Buffer.from(systemRandom.bytes(16)).toString('hex')
const never = { most: 1, periodMs: 86_400_000 }

describe('a trace is taken by its id', () => {
  it.each([0, 0.1, 0.5, 1])('of a share of %d as many as that, the same by whoever decides', (ratio) => {
    const sampling = { ratio, parentBased: true, byClients: never }
    const [one, other] = [createSampler(sampling, new ManualClock()), createSampler(sampling, new ManualClock())]
    const ids = Array.from({ length: 20_000 }, traceId)
    const taken = ids.filter((id) => one(id, undefined))
    expect(ids.filter((id) => other(id, undefined))).toEqual(taken)
    // Six standard deviations of 20,000 draws are 0.022.
    expect(Math.abs(taken.length / ids.length - ratio)).toBeLessThan(0.022)
  })

  it('as the consistent probability sampling of OpenTelemetry takes it: by the last 56 bits', () => {
    const half = createSampler({ ratio: 0.5, parentBased: true, byClients: never }, new ManualClock())
    expect(half(`${'f'.repeat(18)}7fffffffffffff`, undefined)).toBe(false)
    expect(half(`${'0'.repeat(18)}80000000000000`, undefined)).toBe(true)
  })

  it('and a client is heard, up to a rate where it asks for more', async () => {
    const clock = new ManualClock()
    const sampled = createSampler({ ratio: 0, parentBased: true, byClients: { most: 5, periodMs: 1_000 } }, clock)
    const asked = (): number => Array.from({ length: 100 }, () => sampled(traceId(), true)).filter(Boolean).length
    expect([asked(), asked()]).toEqual([5, 0])
    await clock.advance(400)
    expect(asked()).toBe(2)
    await clock.advance(60_000)
    expect(asked()).toBe(5)
    const all = createSampler({ ratio: 1, parentBased: true, byClients: never }, clock)
    expect([all(traceId(), false), all(traceId(), true), all(traceId(), true)]).toEqual([false, true, true])
    const deaf = createSampler({ ratio: 1, parentBased: false, byClients: never }, clock)
    expect(deaf(traceId(), false)).toBe(true)
  })
})

describe('the share is what configuration says, else the environment', () => {
  const of = (settings: Record<string, unknown>, env: Record<string, string> = {}) => {
    const { sampling, unread } = readSampling(telemetrySettings.parse(settings), env)
    return [sampling.ratio, sampling.parentBased, ...unread]
  }
  it.each([
    [{}, {}, [0.1, true]],
    [{ sample: 0.3 }, { OTEL_TRACES_SAMPLER: 'always_on' }, [0.3, true]],
    [{}, { OTEL_TRACES_SAMPLER: 'always_on' }, [1, false]],
    [{}, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, [0, true]],
    [{}, { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, [0.25, false]],
    [{}, { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '' }, [1, true]],
    [{}, { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, [0.1, true, 'OTEL_TRACES_SAMPLER_ARG']],
    [{}, { OTEL_TRACES_SAMPLER: 'jaeger_remote' }, [0.1, true, 'OTEL_TRACES_SAMPLER']],
  ] as [Record<string, unknown>, Record<string, string>, unknown[]][])('%j %j', (settings, env, expected) => {
    expect(of(settings, env)).toEqual(expected)
  })
})

describe('when a call is over it is kept for what it came to', () => {
  const tail = (objective?: number) => new Tail(() => objective)
  const fault = { kind: 'x', category: 'transport', sideEffect: 'none', message: '', code: -32603, answered: undefined } as const
  it.each([
    ['error', { outcome: 'tool_error' }],
    ['error', { outcome: 'fault', fault }],
    ['error', { outcome: 'fault', fault: { ...fault, kind: 'internal', answered: -32603 }, family: 'refused' }],
    [undefined, { outcome: 'fault', fault: { ...fault, answered: -32001 }, family: 'refused' }],
    [undefined, { outcome: 'fault', fault: { ...fault, answered: -32602 } }],
    [undefined, { outcome: 'fault', fault: { ...fault, kind: 'cancelled' }, termination: 'CH' }],
    ['suspect', { suspect: ['empty'] }],
    [undefined, { suspect: [] }],
    [undefined, {}],
  ] as [string | undefined, Partial<CallRecord>][])('%s: %j', (kept, change) => {
    expect(tail().keeps(aRecord(change))).toBe(kept)
  })

  it('slow is what is slower than the objective of its tool, or twice the usual of it', () => {
    expect([10, 11].map((durationMs) => tail(10).keeps(aRecord({ durationMs })))).toEqual([undefined, 'slow'])
    const learned = tail()
    const seen = (durationMs: number, item = 'weather') => learned.keeps(aRecord({ durationMs, item }))
    expect(Array.from({ length: 300 }, (_, n) => seen(100 + (n % 10))).filter(Boolean)).toEqual([])
    expect([seen(5_000), seen(150), seen(300), seen(5_000, 'another')]).toEqual(['slow', undefined, 'slow', undefined])
    // What stays slow is usual after a while.
    const later = Array.from({ length: 400 }, () => seen(5_000))
    expect([later[0], later.at(-1)]).toEqual(['slow', undefined])
  })

  it('of the usual of what varies much about 5 of 100 are above, few are slow, and nothing is that is quick', () => {
    const learned = tail()
    const [slow, all] = [0, 1].map(
      (quick) =>
        Array.from({ length: 5_000 }, (_, n) => {
          // Exponential, of a mean of 100 ms, or of 1 ms.
          const durationMs = -Math.log(1 - ((n * 7_919) % 5_000) / 5_000) * (quick === 1 ? 1 : 100)
          return learned.keeps(aRecord({ durationMs, item: `tool${quick}` }))
        }).filter(Boolean).length,
    )
    expect(slow).toBeLessThan(5_000 * 0.02)
    expect(all).toBe(0)
  })

  it('what clients make up takes no room without end', () => {
    const learned = tail()
    for (let n = 0; n < 10_000; n += 1) learned.keeps(aRecord({ method: 'resources/read', item: `file:///${n}`, upstream: 'up' }))
    for (let n = 0; n < 150; n += 1) learned.keeps(aRecord({ durationMs: 100 }))
    expect(learned.keeps(aRecord({ durationMs: 1_000 }))).toBe('slow')
    for (let n = 0; n < 10_000; n += 1) expect(learned.keeps(aRecord({ item: `t${n}`, durationMs: 9_000 }))).toBe(undefined)
  })
})
