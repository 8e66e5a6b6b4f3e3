// Tools that look one thing up or give texts, of the kinds that the detectors were designed with.
import { type Archetype, dayMs, hourMs, hourOf, isWeekend, linesAfter, mondayMs, rowsOf } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

/** A user that is not there stays away, and is asked for again in other words. */
const sticky: Archetype = {
  name: 'sticky lookup',
  tool: 'find_user',
  readOnly: true,
  everyMs: 85_000,
  outputSchema: { type: 'object', properties: { users: { type: 'array' } }, required: ['users'] },
  rows: rowsOf('users'),
  empty: () => ({ users: [] }),
  live: (random) => {
    let missing = 0
    let name = ''
    const world = random.between(1, 1e9)
    return () => {
      if (missing > 0) missing -= 1
      else {
        name = `${random.word()}`
        if (random.chance(0.008)) missing = random.between(3, 6)
      }
      const users = missing > 0 ? [] : [{ id: seedOf(world, name), name, email: `${name}@example.org`, active: true }]
      return { args: { query: missing > 0 ? `${name} ${random.word()}` : name }, body: { users }, latencyMs: random.about(35, 0.3) }
    }
  },
}

/** Prices that move while the market is open and stand still while it is closed. */
const prices: Archetype = {
  name: 'prices with market close',
  tool: 'get_price',
  readOnly: true,
  everyMs: 60_000,
  outputSchema: {
    type: 'object',
    properties: { symbol: { type: 'string' }, price: { type: 'number' }, volume: { type: 'integer' } },
    required: ['symbol', 'price'],
  },
  empty: () => ({ symbol: '', price: null, volume: null }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const symbol = `X${random.popular(30, 1.5)}`
      const open = !isWeekend(atMs) && hourOf(atMs) >= 8 && hourOf(atMs) < 22
      let at = Math.floor(atMs / 5_000)
      if (!open) {
        const days = isWeekend(atMs) ? (Math.floor((atMs - mondayMs) / dayMs) % 7) - 4 : hourOf(atMs) < 8 ? 1 : 0
        at = Math.floor((Math.floor(atMs / dayMs) - days) * (dayMs / 5_000)) + (22 * hourMs) / 5_000
      }
      const seen = randomOf(seedOf(world, symbol, at))
      return {
        args: { symbol },
        body: { symbol, price: Math.round(seen.about(100, 0.1) * 100) / 100, volume: seen.between(1000, 900000) },
        latencyMs: random.about(50, 0.4),
      }
    }
  },
}

/** Its answers take longer as what it reads grows, over weeks. */
const slowing: Archetype = {
  name: 'growing latency',
  tool: 'summarize_events',
  readOnly: true,
  everyMs: 110_000,
  rows: rowsOf('events'),
  empty: () => ({ events: [] }),
  live: (random) => (atMs) => {
    const days = Math.max(0, atMs - mondayMs) / dayMs
    const events = Array.from({ length: random.between(5, 20) }, () => ({ id: random.between(1, 1e9), what: random.word() }))
    return { args: { topic: random.word() }, body: { events }, latencyMs: random.about(120 * (1 + days / 20), 0.4) }
  },
}

const said = [
  'Error: the build failed',
  'no results for this section',
  'see connection refused below',
  'All of this is normal text',
  'the quick brown fox',
  '404 is a number',
]

/** Gives back files, whatever stands in them; some are empty. */
const payload: Archetype = {
  name: 'payload tool',
  tool: 'read_text_file',
  readOnly: true,
  everyMs: 90_000,
  empty: () => '',
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const path = `/srv/${random.popular(400, 2)}.txt`
      const version = Math.floor(atMs / (randomOf(seedOf(world, path)).between(1, 60) * hourMs))
      const seen = randomOf(seedOf(world, path, version))
      const text = seen.chance(0.004)
        ? ''
        : Array.from({ length: Math.ceil(seen.about(12, 1)) }, () =>
            seen.chance(0.2) ? seen.pick(said) : `${seen.word()} ${seen.word()} ${seen.word()}`,
          ).join('\n')
      return { args: { path }, body: text, latencyMs: random.about(4, 0.5) }
    }
  },
}

/** One object with many members. */
const object: Archetype = {
  name: 'object tool',
  tool: 'get_account',
  readOnly: true,
  everyMs: 75_000,
  outputSchema: {
    type: 'object',
    properties: { id: { type: 'string' }, plan: { type: 'string' }, balance: { type: 'number' } },
    required: ['id', 'plan', 'balance'],
  },
  empty: () => ({}),
  live: (random) => () => {
    const id = `acc_${random.between(1, 100000)}`
    return {
      args: { id },
      body: {
        id,
        plan: random.pick(['free', 'team', 'business']),
        balance: random.between(0, 1e6) / 100,
        owner: { name: random.word(), email: `${random.word()}@example.org` },
        tags: random.chance(0.6) ? [] : [random.word()],
        createdAt: new Date(mondayMs - random.between(1, 1000) * dayMs).toISOString(),
      },
      latencyMs: random.about(45, 0.35),
    }
  },
}

/** Sentences that differ from one time to the next. */
const prose: Archetype = {
  name: 'prose',
  tool: 'answer_question',
  readOnly: true,
  everyMs: 120_000,
  empty: () => '',
  live: (random) => () => ({
    args: { question: `${random.word()} ${random.word()} ${random.word()}` },
    body: Array.from(
      { length: random.between(2, 9) },
      () =>
        `The ${random.word()} of ${random.word()} ${random.pick(['is', 'was', 'may be'])} ${random.word()} ${random.pick(['because', 'although', 'since'])} ${random.word()} ${random.word()}.`,
    ).join(' '),
    latencyMs: random.about(900, 0.4),
  }),
}

/** Rows two levels down. */
const nested: Archetype = {
  name: 'nested JSON',
  tool: 'graph_query',
  readOnly: true,
  everyMs: 95_000,
  outputSchema: {
    type: 'object',
    properties: { data: { type: 'object', properties: { items: { type: 'array' } }, required: ['items'] } },
    required: ['data'],
  },
  rows: {
    read: (body) => (body as { data: { items: unknown[] } }).data.items,
    write: (_body, rows) => ({ data: { items: rows, next: null } }),
  },
  empty: () => ({ data: { items: [], next: null } }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return () => {
      const node = random.popular(500, 1.8)
      const size = Math.round(randomOf(seedOf(world, node)).about(12, 0.5)) + 1
      const items = Array.from({ length: Math.max(1, size + random.between(-1, 1)) }, () => ({
        id: random.between(1, 1e9),
        edge: { kind: random.pick(['owns', 'uses']), weight: random.next() },
        labels: [random.word()],
      }))
      return { args: { node }, body: { data: { items, next: null } }, latencyMs: random.about(70, 0.4) }
    }
  },
}

/** Lines of a log: worded as errors, every time others. */
const log: Archetype = {
  name: 'log lines',
  tool: 'tail_log',
  readOnly: true,
  everyMs: 100_000,
  rows: linesAfter(0),
  empty: () => '',
  live: (random) => (atMs) => {
    const lines = Array.from(
      { length: random.between(20, 50) },
      (_, index) =>
        `${new Date(atMs - (50 - index) * 997).toISOString()} ${random.pick(['INFO', 'WARN', 'ERROR'])} ${random.pick(['request timed out after 30 s', 'connected', 'user logged in', 'connection refused by peer', 'cache miss'])} ${random.word()}`,
    )
    return { args: { service: random.pick(['api', 'web', 'worker']) }, body: lines.join('\n'), latencyMs: random.about(25, 0.5) }
  },
}

export const others: readonly Archetype[] = [sticky, prices, slowing, payload, object, prose, nested, log]
