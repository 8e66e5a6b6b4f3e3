// Tools that list and search, of the kinds that the detectors were designed with.
import { type Archetype, dayMs, hourMs, hourOf, isWeekend, type Json, linesAfter, mondayMs, rootRows, rowsOf } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

function objects(count: number, of: (index: number) => unknown): unknown[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => of(index))
}

const rowsSchema = (name: string): Json => ({
  type: 'object',
  properties: { [name]: { type: 'array', items: { type: 'object' } }, rowCount: { type: 'integer' } },
  required: [name],
})

/** 10 to 50 rows for statements that were never asked before, legitimately none for two in a thousand. */
export const queries = (never = 0.002): Archetype => ({
  name: 'database query',
  tool: 'query_database',
  readOnly: true,
  everyMs: 60_000,
  outputSchema: rowsSchema('rows'),
  rows: rowsOf('rows', 'rowCount'),
  empty: () => ({ columns: ['id', 'name', 'total'], rows: [], rowCount: 0 }),
  live: (random) => {
    let asked = 0
    return () => {
      asked += 1
      const count = random.chance(never) ? 0 : random.between(10, 50)
      const rows = objects(count, () => ({ id: random.between(1, 1e6), name: random.word(), total: random.between(1, 9999) / 100 }))
      return {
        args: { sql: `select id, name, total from ${random.word()} where id > ${asked} and name like '${random.word()}%'` },
        body: { columns: ['id', 'name', 'total'], rows, rowCount: count },
        latencyMs: random.about(200, 0.2),
      }
    }
  },
})

/** Misses come in runs: who finds nothing asks again in other words. */
const search: Archetype = {
  name: 'search with runs of misses',
  tool: 'search_documents',
  readOnly: true,
  everyMs: 80_000,
  outputSchema: rowsSchema('results'),
  rows: rowsOf('results', 'total'),
  empty: (body) => ({ ...(body as Json), results: [], total: 0 }),
  live: (random) => {
    let run = 0
    return () => {
      if (run > 0) run -= 1
      else if (random.chance(0.03)) run = random.between(1, 6)
      const query = `${random.word()} ${random.word()}`
      const results = objects(run > 0 ? 0 : random.between(1, 10), () => ({
        title: random.word(),
        url: `https://example.org/${random.word()}`,
        score: random.next(),
      }))
      return { args: { query }, body: { query, results, total: results.length }, latencyMs: random.about(150, 0.4) }
    }
  },
}

/** Mail that comes by day and is read; mostly little, often none. */
const inbox: Archetype = {
  name: 'inbox',
  tool: 'list_unread',
  readOnly: true,
  everyMs: 120_000,
  rows: rootRows,
  empty: () => [],
  live: (random) => {
    let open: unknown[] = []
    let at = 0
    return (atMs) => {
      const hours = Math.min(24, (atMs - (at || atMs - hourMs)) / hourMs)
      at = atMs
      const rate = isWeekend(atMs) ? 0.3 : hourOf(atMs) > 7 && hourOf(atMs) < 20 ? 6 : 0.5
      if (random.chance(0.12)) open = []
      open = [
        ...open,
        ...objects(random.poisson(rate * hours), () => ({
          id: random.between(1, 1e9),
          from: `${random.word()}@example.org`,
          subject: `${random.word()} ${random.word()}`,
        })),
      ].slice(-30)
      return { args: {}, body: open, latencyMs: random.about(110, 0.4) }
    }
  },
}

/** Jobs that wait for a worker: filled and emptied in bursts. */
const queue: Archetype = {
  name: 'queue',
  tool: 'list_jobs',
  readOnly: true,
  everyMs: 100_000,
  outputSchema: rowsSchema('jobs'),
  rows: rowsOf('jobs', 'count'),
  empty: () => ({ jobs: [], count: 0 }),
  live: (random) => {
    let waiting = 8
    return () => {
      waiting = Math.max(0, waiting + random.poisson(random.chance(0.05) ? 25 : 2) - random.poisson(3.2))
      const jobs = objects(Math.min(waiting, 50), (index) => ({ id: random.between(1, 1e9), kind: random.word(), position: index }))
      return { args: { state: 'waiting' }, body: { jobs, count: jobs.length }, latencyMs: random.about(40, 0.4) }
    }
  },
}

/** Findings in files: mostly none, and every finding is worded as an error. */
const linter: Archetype = {
  name: 'linter',
  tool: 'lint_file',
  readOnly: true,
  everyMs: 70_000,
  rows: rowsOf('errors'),
  empty: () => ({ file: '', errors: [], warnings: [] }),
  live: (random) => () => {
    const file = `src/${random.word()}/${random.word()}.ts`
    const finding = (): unknown => ({
      line: random.between(1, 400),
      message: random.pick(['unexpected any', 'missing return', 'unused variable', 'cannot find name']),
      rule: random.word(),
    })
    const errors = objects(random.chance(0.6) ? 0 : random.between(1, 9), finding)
    return {
      args: { file },
      body: { file, errors, warnings: objects(random.chance(0.5) ? 0 : random.between(1, 5), finding) },
      latencyMs: random.about(400, 0.5),
    }
  },
}

/** A table that grows by one in a thousand calls. */
const growing: Archetype = {
  name: 'slowly growing table',
  tool: 'list_customers',
  readOnly: true,
  everyMs: 110_000,
  outputSchema: rowsSchema('customers'),
  rows: rowsOf('customers', 'total'),
  empty: () => ({ customers: [], total: 0 }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const count = 120 + Math.floor(Math.max(0, atMs - mondayMs) / (6 * hourMs))
      const region = random.pick(['north', 'south', 'east', 'west'])
      const customers = objects(Math.floor(count / 4), (index) => ({
        id: index,
        region,
        name: randomOf(seedOf(world, region, index)).word(),
      }))
      return { args: { region }, body: { customers, total: customers.length }, latencyMs: random.about(80, 0.3) }
    }
  },
}

/** Rows by the hour of the day and the day of the week, never none. */
const seasonal: Archetype = {
  name: 'seasonal rows',
  tool: 'orders_of_last_hour',
  readOnly: true,
  everyMs: 115_000,
  outputSchema: rowsSchema('orders'),
  rows: rowsOf('orders'),
  empty: () => ({ orders: [] }),
  live: (random) => (atMs) => {
    const mean = (isWeekend(atMs) ? 30 : 80) * (0.12 + Math.max(0, Math.sin(((hourOf(atMs) - 6) / 24) * 2 * Math.PI)))
    const orders = objects(1 + random.poisson(mean), () => ({
      id: random.between(1, 1e9),
      total: random.between(100, 99999) / 100,
      status: random.pick(['paid', 'open', 'failed']),
    }))
    return { args: { shop: random.pick(['a', 'b', 'c']) }, body: { orders }, latencyMs: random.about(120, 0.3) }
  },
}

/** The same few hundred questions, each with its own usual number of rows. */
const reports: Archetype = {
  name: 'repeated reports as CSV',
  tool: 'run_report',
  readOnly: true,
  everyMs: 90_000,
  rows: linesAfter(1),
  empty: () => 'day,region,amount,count\n',
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const report = random.popular(150, 1.7)
      const count = Math.round(randomOf(seedOf(world, report)).about(25, 0.7)) + 3
      const day = Math.floor(atMs / dayMs)
      const lines = objects(
        count,
        (index) =>
          `2026-08-${String((index % 28) + 1).padStart(2, '0')},${randomOf(seedOf(world, report, index)).word()},${randomOf(seedOf(world, report, index, day)).between(1, 99999) / 100},${random.between(1, 90)}`,
      )
      return { args: { report }, body: `day,region,amount,count\n${lines.join('\n')}\n`, latencyMs: random.about(350, 0.5) }
    }
  },
}

export const lists: readonly Archetype[] = [queries(), search, inbox, queue, linter, growing, seasonal, reports]
