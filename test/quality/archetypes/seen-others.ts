// More tools that look one thing up or give texts, written to check that what is tuned on other kinds is not made for those alone. They have
// been looked at as well.
import { type Archetype, dayMs, hourMs, type Json, rowsOf } from '../archetype.ts'
import { randomOf, seedOf } from '../random.ts'

/** Places by address, never the same one: mostly one or two, for some addresses none. */
const geocode: Archetype = {
  name: 'geocoder',
  tool: 'geocode_address',
  readOnly: true,
  everyMs: 65_000,
  outputSchema: { type: 'object', properties: { query: { type: 'string' }, places: { type: 'array' } }, required: ['query', 'places'] },
  rows: rowsOf('places'),
  empty: (body) => ({ ...(body as Json), places: [] }),
  live: (random) => () => {
    const query = `${random.between(1, 300)} ${random.word()} street, ${random.word()}`
    const count = random.chance(0.015) ? 0 : random.chance(0.8) ? 1 : random.between(2, 5)
    const places = Array.from({ length: count }, () => ({
      name: query,
      latitude: random.between(-9000, 9000) / 100,
      longitude: random.between(-18000, 18000) / 100,
      kind: random.pick(['house', 'street']),
    }))
    return { args: { query }, body: { query, places }, latencyMs: random.about(120, 0.4) }
  },
}

/** A job that is asked for until it is done: little changes from one answer to the next, and some jobs fail. */
const job: Archetype = {
  name: 'job status',
  tool: 'get_job',
  readOnly: true,
  everyMs: 40_000,
  outputSchema: {
    type: 'object',
    properties: { id: { type: 'string' }, state: { type: 'string' }, progress: { type: 'integer' }, result: {}, error: {} },
    required: ['id', 'state', 'progress', 'result', 'error'],
  },
  empty: (body) => ({ ...(body as Json), id: '', state: '', progress: 0, result: null, error: null }),
  live: (random) => {
    let id = ''
    let progress = 0
    let fails = false
    return () => {
      if (id === '' || progress >= 100) {
        id = `job-${random.between(1, 1e9)}`
        progress = 0
        fails = random.chance(0.07)
      }
      progress = Math.min(100, progress + random.pick([0, 0, 5, 10, 25, 50]))
      const failed = fails && progress >= 50
      const body = {
        id,
        state: failed ? 'failed' : progress >= 100 ? 'done' : 'running',
        progress,
        result: progress >= 100 && !failed ? { rows: random.between(1, 90_000), url: `https://files.example.org/${id}` } : null,
        error: failed ? random.pick(['worker lost', 'input not readable', 'out of memory']) : null,
      }
      if (failed) progress = 100
      return { args: { id: body.id }, body, latencyMs: random.about(18, 0.4) }
    }
  },
}

/** Settings by name: the same for days, then others. */
const flags: Archetype = {
  name: 'settings by name',
  tool: 'get_setting',
  readOnly: true,
  everyMs: 80_000,
  outputSchema: { type: 'object', properties: { name: { type: 'string' }, value: {} }, required: ['name', 'value'] },
  empty: (body) => ({ ...(body as Json), value: null }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const name = `feature.${random.popular(120, 1.5)}`
      const version = Math.floor(atMs / (randomOf(seedOf(world, name)).between(1, 12) * dayMs))
      const seen = randomOf(seedOf(world, name, version))
      const kind = randomOf(seedOf(world, name, 'kind')).next()
      const value =
        kind < 0.4 ? seen.chance(0.5) : kind < 0.6 ? seen.between(0, 100) : kind < 0.9 ? `${seen.word()}-${seen.word()}` : [seen.word()]
      return { args: { name }, body: { name, value: seen.chance(0.01) ? null : value }, latencyMs: random.about(6, 0.5) }
    }
  },
}

/** Pages of the web, of every size, some of them pages of errors that the tool was asked for all the same. */
const pages: Archetype = {
  name: 'web pages',
  tool: 'fetch_page',
  readOnly: true,
  everyMs: 110_000,
  empty: () => '',
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const path = random.popular(700, 1.5)
      const seen = randomOf(seedOf(world, path, Math.floor(atMs / (20 * hourMs))))
      const url = `https://www.example.org/${randomOf(seedOf(world, path)).word()}/${path}`
      if (seen.chance(0.02))
        return { args: { url }, body: '# 404 Not Found\n\nThis page does not exist.', latencyMs: random.about(200, 0.6) }
      const paragraphs = Array.from({ length: Math.ceil(seen.about(9, 0.9)) }, () =>
        Array.from({ length: seen.between(8, 60) }, () => seen.word()).join(' '),
      )
      return { args: { url }, body: `# ${seen.word()}\n\n${paragraphs.join('\n\n')}`, latencyMs: random.about(400, 0.7) }
    }
  },
}

/** What is in stock by article: numbers that change; articles that are no longer sold are not found. */
const stock: Archetype = {
  name: 'stock',
  tool: 'check_stock',
  readOnly: true,
  everyMs: 55_000,
  outputSchema: {
    type: 'object',
    properties: { sku: { type: 'string' }, found: { type: 'boolean' }, quantity: { type: 'integer' }, locations: { type: 'array' } },
    required: ['sku', 'found', 'quantity', 'locations'],
  },
  empty: (body) => ({ ...(body as Json), found: false, quantity: 0, locations: [] }),
  live: (random) => {
    const world = random.between(1, 1e9)
    return (atMs) => {
      const article = random.popular(500, 1.5)
      const sku = `SKU-${1000 + article}`
      const found = !randomOf(seedOf(world, article)).chance(0.03)
      const level = randomOf(seedOf(world, article, Math.floor(atMs / (6 * hourMs))))
      const sold = found && level.chance(0.04)
      const locations = Array.from({ length: found && !sold ? level.between(1, 4) : 0 }, (_, index) => ({
        place: `w${index}`,
        quantity: level.between(1, 200),
      }))
      const quantity = locations.reduce((sum, one) => sum + one.quantity, 0)
      return { args: { sku }, body: { sku, found, quantity, locations }, latencyMs: random.about(14, 0.4) }
    }
  },
}

/** A text in another language: as long as what was given. */
const translation: Archetype = {
  name: 'translation',
  tool: 'translate_text',
  readOnly: true,
  everyMs: 75_000,
  outputSchema: { type: 'object', properties: { text: { type: 'string' }, language: { type: 'string' } }, required: ['text', 'language'] },
  empty: (body) => ({ ...(body as Json), text: '' }),
  live: (random) => () => {
    const words = Array.from({ length: Math.ceil(random.about(25, 1)) }, () => random.word())
    const language = random.pick(['de', 'fr', 'pl'])
    return {
      args: { text: words.join(' '), to: language },
      body: { text: words.map((word) => word.split('').reverse().join('')).join(' '), language },
      latencyMs: random.about(200 + 4 * words.length, 0.3),
    }
  },
}

export const seenOthers: readonly Archetype[] = [geocode, job, flags, pages, stock, translation]
