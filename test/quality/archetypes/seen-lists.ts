// More tools that list, written to check that what is tuned on other kinds is not made for those alone. They have been looked at as well.
import { type Archetype, dayMs, hourMs, hourOf, isWeekend, type Json, linesAfter, mondayMs, rootRows, rowsOf } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

const listSchema = (name: string, ...others: readonly string[]): Json => ({
  type: 'object',
  properties: { [name]: { type: 'array', items: { type: 'object' } }, ...Object.fromEntries(others.map((other) => [other, {}])) },
  required: [name, ...others],
})

/** Appointments of people by day: weekends and days off have none, and who plans asks for one day after the other. */
const calendar: Archetype = {
  name: 'calendar',
  tool: 'list_events',
  readOnly: true,
  everyMs: 100_000,
  outputSchema: listSchema('events', 'day', 'person'),
  rows: rowsOf('events'),
  empty: (body) => ({ ...(body as Json), events: [] }),
  live: (random) => {
    const world = random.between(1, 1e9)
    let plan: { person: number; day: number } | undefined
    return (atMs) => {
      const today = Math.floor(atMs / dayMs)
      const asked = plan ?? { person: random.popular(60, 1.6), day: today + random.popular(14, 2) }
      plan = random.chance(0.6) ? { ...asked, day: asked.day + 1 } : undefined
      const { person, day } = asked
      const seen = randomOf(seedOf(world, person, day))
      const off = isWeekend(day * dayMs) || randomOf(seedOf(world, person, Math.floor(day / 9))).chance(0.06)
      const busy = randomOf(seedOf(world, person)).between(1, 5)
      const count = off ? (seen.chance(0.04) ? 1 : 0) : seen.poisson(busy)
      const events = Array.from({ length: count }, (_, index) => ({
        id: `e-${person}-${day}-${index}`,
        title: `${seen.word()} ${seen.word()}`,
        start: new Date(day * dayMs + (8 + index) * hourMs).toISOString(),
        attendees: Array.from({ length: seen.between(1, 4) }, () => seen.word()),
      }))
      return { args: { person: `p${person}`, day }, body: { person: `p${person}`, day, events }, latencyMs: random.about(85, 0.35) }
    }
  },
}

/** Alerts that fire now: mostly none, then a storm for an hour or two. */
const incidents: Archetype = {
  name: 'incident feed',
  tool: 'active_alarms',
  readOnly: true,
  everyMs: 90_000,
  outputSchema: listSchema('alarms', 'asOf'),
  rows: rowsOf('alarms'),
  empty: (body) => ({ ...(body as Json), alarms: [] }),
  live: (random) => {
    let until = 0
    let size = 0
    return (atMs) => {
      if (atMs > until && random.chance(0.015)) {
        until = atMs + random.exponential(1.5 * hourMs)
        size = random.between(1, 40)
      }
      const alarms = Array.from({ length: atMs < until ? Math.max(1, size + random.between(-2, 2)) : 0 }, () => ({
        id: random.between(1, 1e9),
        service: random.word(),
        summary: random.pick(['error rate above 5 %', 'no heartbeat', 'disk full', 'latency above 2 s']),
      }))
      return { args: {}, body: { asOf: new Date(atMs).toISOString(), alarms }, latencyMs: random.about(60, 0.4) }
    }
  },
}

/** Points of a series, always as many as were asked for; hosts that are off have points without values. */
const series: Archetype = {
  name: 'time series',
  tool: 'query_range',
  readOnly: true,
  everyMs: 70_000,
  outputSchema: listSchema('points', 'metric', 'host'),
  rows: rowsOf('points'),
  empty: (body) => ({ ...(body as Json), points: [] }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const host = `h${random.popular(80, 1.4)}`
      const metric = random.pick(['cpu', 'memory', 'disk', 'requests'])
      const minutes = random.pick([15, 60, 60, 60, 360])
      const off = randomOf(seedOf(world, host, Math.floor(atMs / (7 * hourMs)))).chance(0.03)
      const level = randomOf(seedOf(world, host, metric)).about(40, 0.8)
      const points = Array.from({ length: minutes }, (_, index) => ({
        at: Math.floor(atMs / 60_000) - minutes + index,
        value: off ? null : Math.round(level * random.about(1, 0.1) * 100) / 100,
      }))
      return { args: { host, metric, minutes }, body: { host, metric, points }, latencyMs: random.about(30 + minutes / 4, 0.3) }
    }
  },
}

/** What is in a cart: filled one by one, then bought, and the cart is empty; most of those that ask have one. */
const carts: Archetype = {
  name: 'carts',
  tool: 'get_cart_items',
  readOnly: true,
  everyMs: 60_000,
  rows: rootRows,
  empty: () => [],
  live: (random) => {
    const held = new Map<number, { sku: string; quantity: number; price: number }[]>()
    const item = () => ({ sku: random.word(), quantity: random.between(1, 3), price: random.between(100, 9999) / 100 })
    return () => {
      const user = random.popular(300, 1.5)
      let items = held.get(user) ?? Array.from({ length: random.poisson(2.5) }, item)
      if (random.chance(0.06)) items = []
      else if (random.chance(0.4)) items = [...items, item()]
      held.set(user, items)
      return { args: { user }, body: items, latencyMs: random.about(25, 0.4) }
    }
  },
}

/** Runs of a build as text: a table of words like `failed` and `error`, by repository; new ones have none yet. */
const builds: Archetype = {
  name: 'builds',
  tool: 'list_builds',
  readOnly: true,
  everyMs: 85_000,
  rows: linesAfter(2),
  empty: () => 'No builds found.',
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const repository = random.popular(90, 1.6)
      const every = randomOf(seedOf(world, repository)).about(5, 1) * hourMs
      const born = mondayMs + randomOf(seedOf(world, repository, 'born')).between(-30, 14) * dayMs
      const latest = Math.floor((atMs - born) / every)
      const lines = Array.from({ length: Math.max(0, Math.min(20, latest)) }, (_, index) => {
        const build = randomOf(seedOf(world, repository, latest - index))
        const state = build.pick(['success', 'success', 'success', 'failed', 'error: out of memory', 'cancelled'])
        return `| #${latest - index} | ${state} | ${build.word()} | ${build.between(20, 900)} s |`
      })
      const body = lines.length === 0 ? 'No builds found.' : ['| build | state | by | took |', '|---|---|---|---|', ...lines].join('\n')
      return { args: { repository: `r${repository}` }, body, latencyMs: random.about(180, 0.5) }
    }
  },
}

/** Orders of a shop that takes fewer at night: what is asked for are those since the last question, so that there are none now and then. */
const changes: Archetype = {
  name: 'changes since',
  tool: 'list_changed_orders',
  readOnly: true,
  everyMs: 95_000,
  outputSchema: listSchema('orders', 'cursor'),
  rows: rowsOf('orders'),
  empty: (body) => ({ ...(body as Json), orders: [] }),
  live: (random) => {
    let before = 0
    let cursor = 1000
    return (atMs) => {
      const minutes = Math.min(120, (atMs - (before || atMs - 600_000)) / 60_000)
      before = atMs
      const perMinute = hourOf(atMs) >= 7 && hourOf(atMs) < 23 ? 3 : 0.25
      const orders = Array.from({ length: Math.min(100, random.poisson(perMinute * minutes)) }, () => ({
        id: random.between(1, 1e9),
        state: random.pick(['new', 'paid', 'shipped', 'failed']),
        total: random.between(500, 50_000) / 100,
      }))
      const asked = cursor
      cursor += orders.length
      return { args: { since: asked }, body: { orders, cursor }, latencyMs: random.about(70, 0.3) }
    }
  },
}

export const seenLists: readonly Archetype[] = [calendar, incidents, series, carts, builds, changes]
