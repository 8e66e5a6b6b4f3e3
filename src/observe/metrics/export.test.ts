import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { type Receiver, startReceiver } from '../../../test/doubles/otlp/receiver.ts'
import { eventually } from '../../../test/peers/processes.ts'
import { telemetrySettings } from '../settings.ts'
import { createMetricsExport } from './export.ts'
import type { Point } from './points.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const metric = { name: 'signalbox_calls_total', help: 'Calls.', kind: 'sum', bounds: [] } as const

/** Exports what `points` gives to a collector. */
async function rig(env: Record<string, string> = {}, points: () => Promise<Point[][]> = async () => [[{ metric, labels: {}, value: 1 }]]) {
  const to: Receiver = await startReceiver()
  open.push(to.close)
  const clock = new ManualClock()
  const counts: Record<string, number> = {}
  const logged: string[] = []
  const exported = createMetricsExport({
    settings: telemetrySettings.parse({ otlp: { endpoint: to.url } }),
    env,
    identity: { name: 'signalbox', version: '1' },
    instance: 'i',
    metrics: { points },
    proxies: undefined,
    clock,
    random: { bytes: () => new Uint8Array(), id: () => '', callId: () => '', fraction: () => 0 },
    report: {
      log: (_level, text) => void logged.push(text),
      counters: {
        add: (name, labels, by = 1) => {
          const key = [name, ...Object.values(labels)].join(' ')
          counts[key] = (counts[key] ?? 0) + by
        },
        session: () => undefined,
      },
    },
  })
  if (exported === undefined) throw new Error('not exported')
  await exported.start()
  return { to, clock, counts, logged, exported }
}

describe('metrics are read', () => {
  it.each([
    [{}, 60_000],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '5000' }, 5_000],
  ])('%j: each %d ms, and once more at the end', async (env, interval) => {
    let readings = 0
    const { clock, exported, to, counts } = await rig(env as Record<string, string>, async () => {
      readings += 1
      return [[{ metric, labels: {}, value: readings }]]
    })
    await clock.advance(interval - 1)
    expect(readings).toBe(0)
    await clock.advance(1)
    for (const expected of [1, 2, 3]) {
      expect(readings).toBe(expected)
      // A second later it is sent, which takes real time.
      await clock.advance(1_000)
      expect(await eventually(() => counts.metric_points === expected)).toBe(true)
      await clock.advance(interval - 1_000)
    }
    await exported.end(3_000)
    const values = to.metricsRequests.flatMap(({ metrics }) => metrics.flatMap(({ points }) => points.map((one) => one.value)))
    expect(values).toEqual([1, 2, 3, 4, 5])
    await clock.advance(10 * interval)
    expect(readings).toBe(5)
  })

  it('of many series in several requests, each with the time of its reading and the start', async () => {
    const many = Array.from({ length: 2_000 }, (_, n) => ({ metric, labels: { item: `${n}`, none: '' }, value: n }))
    const { exported, to, counts, clock } = await rig({}, async () => [many])
    const begun = BigInt(clock.now()) * 1_000_000n
    await clock.advance(30_000)
    await exported.end(3_000)
    expect(to.metricsRequests.length).toBeGreaterThan(2)
    const points = to.metricsRequests.flatMap(({ metrics }) => metrics.flatMap((one) => one.points))
    expect(points.map(({ value }) => value)).toEqual(many.map(({ value }) => value))
    expect(points[7]).toEqual({ since: begun, at: begun + 30_000_000_000n, attributes: { item: '7' }, value: 7 })
    expect(counts).toEqual({ metric_points: 2_000 })
  })

  it('and what cannot be read of them is a bug that ends nothing', async () => {
    const { clock, exported, counts, logged } = await rig({}, async () => {
      throw new Error('broken')
    })
    await clock.advance(180_000)
    await exported.end(3_000)
    expect([counts, logged.filter((text) => text.startsWith('A bug'))]).toEqual([
      { 'bugs telemetry': 4 },
      Array(4).fill('A bug in the gateway was caught'),
    ])
  })

  it('more than there is room for is counted, and memory has a bound', async () => {
    const many = Array.from({ length: 70_000 }, () => ({ metric, labels: {}, value: 1 }))
    const { exported, counts, to } = await rig({}, async () => [many])
    await exported.end(3_000)
    expect(counts['metric_points_dropped queue_full']).toBeGreaterThan(4_000)
    expect((counts.metric_points ?? 0) + (counts['metric_points_dropped queue_full'] ?? 0)).toBe(70_000)
    expect(to.metricsRequests.length).toBeGreaterThan(1)
  })
})

it('variables that cannot be read, or that ask for what is not done, are named', () => {
  const env = { OTEL_METRIC_EXPORT_INTERVAL: 'often', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' }
  const parts = { settings: telemetrySettings.parse({ otlp: { endpoint: 'http://127.0.0.1:1' } }), env }
  const clock = new ManualClock()
  const exported = createMetricsExport({ ...parts, clock, report: {} } as unknown as Parameters<typeof createMetricsExport>[0])
  expect(exported?.unread).toEqual(Object.keys(env))
})
