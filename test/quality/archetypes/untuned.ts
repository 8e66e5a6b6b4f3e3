// Five kinds of traffic that nothing was tuned on: written before the detectors were measured on anything. Whoever changes a constant of the
// product because of what comes out here takes that from them, and has to write others.
import { type Archetype, hourMs, hourOf, isWeekend, linesAfter, rootRows, rowsOf } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

/** Pages of bookings: months that are over never change, the last page is short, some accounts rest, some callers ask for one page too many. */
const ledger: Archetype = {
  name: 'paged ledger',
  tool: 'list_ledger_entries',
  readOnly: true,
  everyMs: 110_000,
  outputSchema: {
    type: 'object',
    properties: {
      account: { type: 'string' },
      entries: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            bookedAt: { type: 'string' },
            amount: { type: 'number' },
            currency: { type: 'string' },
            text: { type: 'string' },
            counterparty: { type: ['string', 'null'] },
          },
          required: ['id', 'bookedAt', 'amount', 'currency', 'text'],
        },
      },
      page: { type: 'integer' },
      pages: { type: 'integer' },
      total: { type: 'integer' },
    },
    required: ['account', 'entries', 'page', 'pages', 'total'],
  },
  rows: rowsOf('entries'),
  empty: (body) => ({ ...(body as object), entries: [], page: 1, pages: 0, total: 0 }),
  live: (random) => {
    const accounts = Array.from({ length: 40 }, (_, index) => ({
      id: `A-${1000 + index}`,
      perMonth: index % 13 === 12 ? 0 : Math.max(3, Math.round(random.about(45, 0.9))),
    }))
    const world = random.between(1, 1e9)
    let next: { account: { id: string; perMonth: number }; month: number; page: number } | undefined
    return (atMs) => {
      const current = Math.floor(atMs / (30 * 24 * hourMs))
      const asked = next ?? {
        account: accounts[random.popular(40, 1.5)] ?? random.pick(accounts),
        month: current - random.popular(12, 2),
        page: 1,
      }
      const { account, month, page } = asked
      const through = month === current ? (atMs / (30 * 24 * hourMs)) % 1 : 1
      const total = Math.floor(account.perMonth * (0.7 + 0.6 * randomOf(seedOf(world, account.id, month)).next()) * through)
      const pages = Math.ceil(total / 25)
      const entries = Array.from({ length: Math.max(0, Math.min(25, total - (page - 1) * 25)) }, (_, index) => {
        const row = randomOf(seedOf(world, account.id, month, (page - 1) * 25 + index))
        return {
          id: `${account.id}-${month}-${(page - 1) * 25 + index}`,
          bookedAt: new Date((month + row.next()) * 30 * 24 * hourMs).toISOString(),
          amount: Math.round(row.about(80, 1.4) * 100) / 100,
          currency: 'EUR',
          text: `${row.word()} ${row.word()}${row.chance(0.02) ? ' failed debit returned' : ''}`,
          counterparty: row.chance(0.2) ? null : row.word(),
        }
      })
      next = (page < pages && random.chance(0.55)) || (page === pages && random.chance(0.04)) ? { ...asked, page: page + 1 } : undefined
      return {
        args: { account: account.id, month, page },
        body: { account: account.id, entries, page, pages, total },
        latencyMs: random.about(60 + 4 * page, 0.35),
      }
    }
  },
}

/** One object: stations measure every ten minutes, sensors and whole stations drop out for hours, half of the answers come from a cache. */
const weather: Archetype = {
  name: 'weather station',
  tool: 'current_observation',
  readOnly: true,
  everyMs: 95_000,
  outputSchema: {
    type: 'object',
    properties: {
      station: { type: 'string' },
      observedAt: { type: 'string' },
      temperature: { type: ['number', 'null'] },
      humidity: { type: ['number', 'null'] },
      pressure: { type: ['number', 'null'] },
      wind: { type: ['object', 'null'] },
      warnings: { type: 'array' },
    },
    required: ['station', 'observedAt', 'warnings'],
  },
  empty: () => ({ station: '', observedAt: '', temperature: null, humidity: null, pressure: null, wind: null, warnings: [] }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const station = `S${100 + random.popular(60, 2)}`
      const slot = Math.floor(atMs / 600_000)
      const dead = randomOf(seedOf(world, station, Math.floor(atMs / (5 * hourMs)))).chance(0.012)
      const sight = randomOf(seedOf(world, station, dead ? Math.floor(atMs / (5 * hourMs)) : slot))
      const base = 8 + 6 * Math.sin(((hourOf(atMs) - 9) / 24) * 2 * Math.PI)
      const noGust = randomOf(seedOf(world, station, Math.floor(atMs / (9 * hourMs)))).chance(0.05)
      const body = dead
        ? {
            station,
            observedAt: new Date(Math.floor(atMs / (5 * hourMs)) * 5 * hourMs).toISOString(),
            temperature: null,
            humidity: null,
            pressure: null,
            wind: null,
            warnings: [],
          }
        : {
            station,
            observedAt: new Date(slot * 600_000).toISOString(),
            temperature: Math.round((base + 3 * sight.normal()) * 10) / 10,
            humidity: sight.between(35, 99),
            pressure: Math.round((1013 + 8 * sight.normal()) * 10) / 10,
            wind: {
              speed: Math.round(sight.about(4, 0.6) * 10) / 10,
              gust: noGust ? null : Math.round(sight.about(8, 0.6) * 10) / 10,
              direction: sight.between(0, 35) * 10,
            },
            warnings: sight.chance(0.06) ? [{ level: 'yellow', kind: 'wind', until: new Date((slot + 30) * 600_000).toISOString() }] : [],
          }
      return { args: { station }, body, latencyMs: random.chance(0.5) ? random.about(15, 0.3) : random.about(280, 0.4) }
    }
  },
}

const codeLines = [
  "throw new Error('connection refused')",
  'if (error instanceof TimeoutError) return retry(call)',
  'const total = rows.reduce((sum, row) => sum + row.amount, 0)',
  "logger.warn('no results for query', { query })",
  'return res.status(500).json({ error: "Internal Server Error" })',
  'export function load(path: string): Promise<Config> {',
  'assert.equal(found.length, 3)',
  '} catch (failure) {',
  'for (const item of queue.drain()) handle(item)',
  'class NotFound extends Error {}',
]

/** Lines of code that are full of words of errors; answers of every length; misses come in runs, since who finds nothing asks again in other words. */
const codeSearch: Archetype = {
  name: 'code search',
  tool: 'search_code',
  readOnly: true,
  everyMs: 80_000,
  rows: linesAfter(1),
  empty: () => 'No matches found.',
  live: (random) => {
    const words = Array.from({ length: 1500 }, () => random.word())
    const world = random.between(1, 1e9)
    const asked: string[] = []
    let missed = false
    return (atMs) => {
      const again = asked.length > 20 && random.chance(0.15)
      const pattern = again
        ? (asked[asked.length - 1 - random.popular(Math.min(asked.length, 200), 2)] ?? '')
        : `${words[random.popular(1500, 1.6)]}${random.chance(0.4) ? `.${random.pick(words)}` : ''}`
      const seen = randomOf(seedOf(world, pattern))
      const none = again ? seen.chance(0.09) : random.chance(missed ? 0.4 : 0.06)
      const known = asked.includes(pattern)
      if (!known) asked.push(pattern)
      // What was found once is found again, but for what a day of work changes.
      const count = Math.min(100, Math.ceil(seen.about(8, 1.3)))
      const moved = randomOf(seedOf(world, pattern, Math.floor(atMs / (24 * hourMs)))).chance(0.2) ? 1 : 0
      missed = none && !known
      const lines = Array.from({ length: count + moved }, (_, index) => {
        const line = randomOf(seedOf(world, pattern, index))
        return `src/${line.word()}/${line.word()}.ts:${line.between(1, 900)}: ${line.pick(codeLines)}`
      })
      const misses = known ? randomOf(seedOf(world, pattern, 'missed')).chance(0.09) : none
      return {
        args: { pattern, ...(random.chance(0.1) ? { language: 'ts' } : {}) },
        body: misses ? 'No matches found.' : `Found ${lines.length} matches for ${pattern}\n${lines.join('\n')}`,
        latencyMs: random.about(140, 0.5) + lines.length,
      }
    }
  },
}

/** Open tickets of teams that work by day: queues fill from eight, are worked off by the evening, rest at weekends and are legitimately empty then. */
const tickets: Archetype = {
  name: 'tickets, business hours',
  tool: 'list_open_tickets',
  readOnly: true,
  everyMs: 105_000,
  rows: rootRows,
  empty: () => [],
  live: (random) => {
    const teams = ['billing', 'identity', 'network', 'desk', 'legal', 'field'].map((name, index) => ({
      name,
      perHour: [9, 6, 4, 12, 0.8, 2][index] ?? 1,
      worked: [9.5, 6.3, 4.4, 12.8, 1.1, 2.4][index] ?? 1,
      open: [] as { id: number; title: string; priority: string; openedAt: string; assignee: string | null }[],
      atMs: 0,
    }))
    let id = 4000
    const advance = (team: (typeof teams)[number], atMs: number): void => {
      if (team.atMs === 0) team.atMs = atMs - 8 * hourMs
      while (team.atMs < atMs) {
        const step = Math.min(hourMs / 2, atMs - team.atMs)
        const hours = step / hourMs
        const office = !isWeekend(team.atMs) && hourOf(team.atMs) >= 8 && hourOf(team.atMs) < 18
        for (let count = random.poisson(team.perHour * hours * (office ? 1 : 0.02)); count > 0; count -= 1) {
          id += 1
          team.open.push({
            id,
            title: `${random.word()} ${random.pick(['cannot log in', 'error 502', 'invoice wrong', 'no connection', 'question'])}`,
            priority: random.pick(['low', 'normal', 'high']),
            openedAt: new Date(team.atMs).toISOString(),
            assignee: random.chance(0.3) ? null : random.word(),
          })
        }
        team.open.splice(0, random.poisson(team.worked * hours * (office || hourOf(team.atMs) < 20 ? 1 : 0.1)))
        team.atMs += step
      }
    }
    return (atMs) => {
      const team = teams[random.popular(teams.length, 1.2)] ?? random.pick(teams)
      advance(team, atMs)
      const state = random.chance(0.8) ? 'open' : 'unassigned'
      const rows = team.open.filter((one) => state === 'open' || one.assignee === null).slice(0, 50)
      return { args: { team: team.name, state }, body: rows.map((one) => ({ ...one })), latencyMs: random.about(90, 0.4) }
    }
  },
}

/** Values of every form by key, a fifth of them not there; values run out and come back. */
const cache: Archetype = {
  name: 'key-value cache',
  tool: 'cache_get',
  readOnly: true,
  everyMs: 60_000,
  empty: () => '(nil)',
  live: (random) => {
    const world = random.between(1, 1e9)
    const value = (key: string, version: number): string => {
      const seen = randomOf(seedOf(world, key, version))
      const kind = randomOf(seedOf(world, key)).next()
      if (kind < 0.35)
        return JSON.stringify({ id: key, name: seen.word(), roles: seen.chance(0.1) ? [] : [seen.word()], seen: seen.between(1, 1e6) })
      if (kind < 0.6) return String(seen.between(0, 5000))
      if (kind < 0.8) return Array.from({ length: seen.between(3, 60) }, () => seen.word()).join(' ')
      if (kind < 0.995) return Array.from({ length: seen.between(4, 20) }, () => seen.between(0, 65535).toString(16)).join('')
      return JSON.stringify({ error: 'card declined', code: 402 })
    }
    return (atMs) => {
      const key = `${random.pick(['user', 'cart', 'page', 'flag'])}:${random.popular(1200, 2.2)}`
      const period = 2.5 * hourMs * (0.5 + randomOf(seedOf(world, key)).next())
      const shifted = atMs / period + randomOf(seedOf(world, key, 'phase')).next()
      const there = shifted % 1 < 0.78
      return { args: { key }, body: there ? value(key, Math.floor(shifted)) : '(nil)', latencyMs: random.about(3, 0.5) }
    }
  },
}

export const untuned: readonly Archetype[] = [ledger, weather, codeSearch, tickets, cache]
