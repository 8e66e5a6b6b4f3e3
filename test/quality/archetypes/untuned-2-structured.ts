// Of the second set of traffic that nothing was tuned on, the kinds whose tools declare what they answer.
import { type Archetype, dayMs, hourMs, hourOf, isOffice, isWeekend, type Json, rowsOf } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

const ranges = [
  { startTime: 'now-15m', stepSeconds: 60, points: 15 },
  { startTime: 'now-1h', stepSeconds: 120, points: 30 },
  { startTime: 'now-6h', stepSeconds: 600, points: 36 },
  { startTime: 'now-24h', stepSeconds: 1800, points: 48 },
] as const

/** Series of metrics for expressions of dashboards and of the moment: some are made to find nothing while all is well, some find nothing
 * because a label is wrong, and are asked again in other words. */
export const metrics: Archetype = {
  name: 'metrics, series',
  tool: 'query_prometheus',
  readOnly: true,
  everyMs: 65_000,
  outputSchema: {
    type: 'object',
    properties: {
      resultType: { type: 'string', enum: ['matrix', 'vector'] },
      result: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            metric: { type: 'object', additionalProperties: { type: 'string' } },
            value: { type: 'array' },
            values: { type: 'array', items: { type: 'array' } },
          },
          required: ['metric'],
        },
      },
    },
    required: ['resultType', 'result'],
  },
  rows: rowsOf('result'),
  empty: (body) => ({ ...(body as Json), result: [] }),
  live: (random) => {
    const services = ['api', 'web', 'checkout', 'search', 'auth', 'billing', 'mailer', 'images', 'export', 'admin']
    const world = random.between(1, 1e9)
    const levelOf = (service: string): number => randomOf(seedOf(world, service)).about(20, 1.4)
    const instancesOf = (service: string, atMs: number): string[] => {
      const count = 1 + Math.floor(Math.log2(1 + levelOf(service)) / 1.5) + (isOffice(atMs) && levelOf(service) > 25 ? 2 : 0)
      return Array.from({ length: count }, (_, index) => `10.2.${index}.${randomOf(seedOf(world, service, index)).between(2, 250)}:8080`)
    }
    const asked = (kind: number, service: string, atMs: number): { expr: string; series: Json[]; level: number } => {
      const slot = (hours: number): ReturnType<typeof randomOf> =>
        randomOf(seedOf(world, kind, service, Math.floor(atMs / (hours * hourMs))))
      const each = (): Json[] => instancesOf(service, atMs).map((instance) => ({ instance }))
      const level = levelOf(service)
      switch (kind) {
        case 0:
          return { expr: `sum by (instance) (rate(http_requests_total{service="${service}"}[5m]))`, series: each(), level }
        case 1: {
          const bucket = `rate(http_request_duration_seconds_bucket{service="${service}"}[5m])`
          return { expr: `histogram_quantile(0.95, sum by (le) (${bucket}))`, series: [{}], level: 0.2 }
        }
        case 2: {
          const codes = ['500', '502', '503', '504'].filter(
            (_, index) => slot(5).next() < ([0.6, 0.3, 0.3, 0.15][index] ?? 0) * Math.min(1.5, level / 15),
          )
          const expr = `sum by (status) (rate(http_requests_total{service="${service}",status=~"5.."}[5m]))`
          return { expr, series: codes.map((status) => ({ status })), level: level / 400 }
        }
        case 3:
          return { expr: `container_memory_working_set_bytes{container="${service}"}`, series: each(), level: 3e8 }
        case 4: {
          const now = slot(12)
          const firing = Array.from({ length: now.chance(0.45) ? now.between(1, 4) : 0 }, () => ({
            alertname: now.pick(['HighErrorRate', 'PodCrashLooping', 'DiskWillFill', 'TargetDown', 'SlowQueries']),
            severity: now.pick(['warning', 'warning', 'critical']),
            service: now.pick(services),
          }))
          return { expr: 'ALERTS{alertstate="firing"}', series: firing, level: 1 }
        }
        case 5: {
          const restarted = slot(3).chance(0.15) ? each().slice(0, 1) : []
          return {
            expr: `increase(kube_pod_container_status_restarts_total{container="${service}"}[1h]) > 0`,
            series: restarted,
            level: 1.5,
          }
        }
        default:
          return { expr: `up{job="${service}"} == 0`, series: slot(1).chance(0.02) ? each().slice(0, 1) : [], level: 0 }
      }
    }
    let misses = 0
    return (atMs) => {
      const service = services[random.popular(services.length, 1.6)] ?? 'api'
      let { expr, series, level } = asked(random.popular(7, 1.9), service, atMs)
      if (misses > 0 || random.chance(0.16)) {
        const label = random.pick(['route', 'pod', 'status', 'queue', 'tenant', 'le'])
        expr = `topk(10, sum by (${label}) (rate(${random.word()}_total{service="${service}",${label}=~"${random.word()}.*"}[5m])))`
        const none = random.chance(misses > 0 ? 0.4 : 0.2)
        misses = none ? (misses > 0 ? misses - 1 : random.between(0, 3)) : 0
        series = none ? [] : Array.from({ length: Math.min(10, Math.ceil(random.about(4, 0.8))) }, () => ({ [label]: random.word() }))
        level = random.about(5, 1)
      }
      const isRange = random.chance(0.6)
      const range = ranges[random.popular(ranges.length, 1.3)] ?? ranges[1]
      const end = Math.floor(atMs / 1000)
      const valueAt = (base: number, at: number): string => {
        if (level === 0) return '0'
        if (level === 1) return '1'
        const byDay = 0.35 + 0.65 * Math.max(0, Math.sin(((hourOf(at * 1000) - 5) / 24) * 2 * Math.PI)) * (isWeekend(at * 1000) ? 0.5 : 1)
        return String(Math.round(level * byDay * randomOf(base + Math.floor(at / 60) * 7919).about(1, 0.15) * 1e6) / 1e6)
      }
      const result = series.map((metric, nth) => {
        const base = seedOf(world, expr, nth)
        return isRange
          ? {
              metric,
              values: Array.from({ length: range.points }, (_, index) => {
                const at = end - (range.points - 1 - index) * range.stepSeconds
                return [at, valueAt(base, at)]
              }),
            }
          : { metric, value: [end, valueAt(base, end)] }
      })
      const isRelative = random.chance(0.75)
      const times = isRange
        ? {
            queryType: 'range',
            startTime: isRelative ? range.startTime : new Date((end - range.points * range.stepSeconds) * 1000).toISOString(),
            endTime: isRelative ? 'now' : new Date(end * 1000).toISOString(),
            stepSeconds: range.stepSeconds,
          }
        : { queryType: 'instant', startTime: 'now' }
      return {
        args: { datasourceUid: 'prometheus', expr, ...times },
        body: { resultType: isRange ? 'matrix' : 'vector', result },
        latencyMs: random.chance(0.02) ? random.about(2_500, 0.6) : random.about(isRange ? 35 + range.points * 2 : 25, 0.45),
      }
    }
  },
}

const messages = [
  'deploy of {} failed: exit code 1',
  'deployed {} to production',
  'anyone else seeing 502s on {}?',
  'fixed, thanks!',
  'lgtm',
  '[FIRING:1] HighErrorRate {} (critical)',
  '[RESOLVED] HighErrorRate {}',
  'Error: ETIMEDOUT while syncing {}, looking into it',
  'meeting about {} moved to 3pm',
  'can somebody review the change of {}?',
  'the customer says that {} is not found after the update',
  'good morning',
]

/** Messages of a chat: who reads what is new since the last time often finds nothing at night and at weekends; some page back until nothing
 * comes; the caller posts in between. */
export const channel: Archetype = {
  name: 'chat history',
  tool: 'conversations_history',
  readOnly: true,
  everyMs: 75_000,
  outputSchema: {
    type: 'object',
    properties: {
      ok: { type: 'boolean' },
      messages: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            type: { type: 'string' },
            ts: { type: 'string' },
            user: { type: 'string' },
            text: { type: 'string' },
            thread_ts: { type: 'string' },
            reply_count: { type: 'integer' },
            reactions: { type: 'array', items: { type: 'object' } },
          },
          required: ['type', 'ts', 'text'],
        },
      },
      has_more: { type: 'boolean' },
    },
    required: ['ok', 'messages', 'has_more'],
  },
  rows: rowsOf('messages'),
  empty: (body) => ({ ...(body as Json), messages: [], has_more: false }),
  live: (random) => {
    const channels = [14, 9, 7, 5, 3, 2, 1, 0.6, 0.3].map((perHour, index) => ({
      id: `C0${(7_000_000 + index * 7919).toString(36).toUpperCase()}`,
      perHour,
      // Machines write at night too.
      byNight: index === 1 || index === 4 ? 0.8 : 0.03,
      all: [] as { readonly atMs: number; readonly message: Json }[],
      atMs: 0,
      readTo: 0,
    }))
    type Channel = (typeof channels)[number]
    const post = (to: Channel, atMs: number, user: string): void => {
      const ts = `${Math.floor(atMs / 1000)}.${String(random.between(0, 999_999)).padStart(6, '0')}`
      const thread = random.chance(0.15) ? { thread_ts: ts, reply_count: random.between(1, 12) } : {}
      const reactions = random.chance(0.12)
        ? { reactions: [{ name: random.pick(['+1', 'eyes', 'tada']), count: random.between(1, 5) }] }
        : {}
      const text = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => random.pick(messages).replace('{}', random.word())).join('\n')
      to.all.push({ atMs, message: { type: 'message', ts, user, text, ...thread, ...reactions } })
    }
    const advance = (one: Channel, atMs: number): void => {
      if (one.atMs === 0) one.atMs = atMs - 5 * dayMs
      while (one.atMs < atMs) {
        const step = Math.min(hourMs, atMs - one.atMs)
        const count = random.poisson(one.perHour * (step / hourMs) * (isOffice(one.atMs) ? 1.4 : one.byNight))
        const times = Array.from({ length: count }, () => one.atMs + random.next() * step).sort((first, second) => first - second)
        for (const time of times) post(one, time, `U${random.popular(40, 1.8) + 100}`)
        one.atMs += step
      }
      one.all = one.all.slice(-300)
    }
    let back: { one: Channel; oldest: number; latest: number; limit: number } | undefined
    return (atMs) => {
      const paged = back
      const one = paged?.one ?? channels[random.popular(channels.length, 1.3)] ?? random.pick(channels)
      advance(one, atMs)
      const how = random.next()
      const isNew = how < 0.4
      const today = Math.floor(atMs / dayMs) * dayMs
      const oldest = paged?.oldest ?? (isNew ? one.readTo || today : how < 0.65 ? today - dayMs : 0)
      const limit = paged?.limit ?? random.pick([20, 20, 50])
      const within = one.all.filter((message) => message.atMs > oldest && message.atMs < (paged?.latest ?? Infinity))
      const page = within.slice(-limit).reverse()
      const hasMore = within.length > page.length
      if (isNew && paged === undefined) one.readTo = page[0]?.atMs ?? oldest
      const last = page.at(-1)
      // Most stop where no more is announced, some where nothing comes.
      back =
        last !== undefined && random.chance(hasMore ? 0.4 : paged !== undefined ? 0.25 : 0.02)
          ? { one, oldest, latest: last.atMs, limit }
          : undefined
      if (random.chance(0.07)) post(one, atMs, 'U001')
      const wait = random.chance(0.003) ? random.between(10_000, 30_000) : 0
      return {
        args: {
          channel: one.id,
          limit,
          ...(oldest > 0 ? { oldest: (oldest / 1000).toFixed(6) } : {}),
          ...(paged === undefined ? {} : { latest: (paged.latest / 1000).toFixed(6) }),
        },
        body: { ok: true, messages: page.map(({ message }) => message), has_more: hasMore },
        latencyMs: wait + (random.chance(0.015) ? random.about(1_800, 0.5) : random.about(170, 0.35)),
      }
    }
  },
}
