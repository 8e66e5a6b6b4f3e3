// Faults of HTTP servers, row by row of the catalogue (T): each is injected under real calls of clients of both eras, and ends in exactly
// one honest answer, in the metrics, with the side effects counted at the server, and with everything working again afterwards.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { l7Faults as faults, type L4Proxy, type L7Fault, startBlackHole, startL4Proxy } from '../../src/operate/toolkit/chaos/index.ts'
import { eventually } from '../peers/processes.ts'
import { type L7Server, standardTools, startL7Server } from './l7-server.ts'
import { type PassThrough, startPassThrough } from './pass-through.ts'
import { faultOf, type RawAnswer, RawClient, type RawEra, textOf } from './raw-client.ts'
import { type categories, type Rig, secrets, startRig } from './rig.ts'
import { type Cell, cellOf, shown, tell, verdictOf } from './table.ts'

const eras = ['modern', 'legacy'] as const
const mebi = 1_048_576

const l7 = {} as Record<RawEra, L7Server>
const l4 = {} as Record<RawEra, L4Proxy>
const clients = {} as Record<RawEra, Record<string, RawClient>>
let rig: Rig

beforeAll(async () => {
  const servers: Record<string, unknown> = {}
  for (const era of eras) {
    l7[era] = await startL7Server(era)
    l4[era] = await startL4Proxy(l7[era].port)
    servers[era] = { url: `http://127.0.0.1:${l4[era].port}/mcp`, headers: { 'x-api-key': secrets.upstream } }
  }
  const limits = { messageBytes: 4 * mebi, resultBytes: mebi, breakerFailures: 12, breakerOpenMs: 300 }
  rig = await startRig({ servers, limits })
  await rig.serves(...eras)
  for (const era of eras) {
    const each = eras.map(async (upstream) => {
      const client = new RawClient(era, `${rig.base}/mcp/${upstream}`, { 'x-canary': secrets.client, cookie: secrets.client })
      return [upstream, await client.connect()] as const
    })
    clients[era] = Object.fromEntries(await Promise.all(each))
  }
  // So many that repeats are earned for all rows: they are a tenth of the calls.
  for (let round = 0; round < 60; round += 1) for (const client of eras) for (const upstream of eras) await recovers(client, upstream)
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  for (const era of eras) {
    await l4[era].stop()
    await l7[era].stop()
  }
}, 20_000)

interface Wanted {
  readonly kind: string
  readonly category: (typeof categories)[number]
  readonly sideEffect: 'none' | 'unknown'
}

interface Row {
  readonly id: string
  readonly what: string
  readonly fault: L7Fault | readonly L7Fault[]
  /** The fault that the agent gets; absent: success. */
  readonly wanted?: Wanted
  readonly tool?: 'read' | 'write'
  /** Executions that are allowed; 1 unless said. */
  readonly effects?: number
  /** Counted in signalbox_proto_anomaly_total. */
  readonly anomaly?: string
  readonly upstreams?: readonly RawEra[]
  /** What stands before the text of a success. */
  readonly adds?: string
  /** What must not stand in the answer. */
  readonly hides?: string
  /** It must not disturb a call, so that what only passes it on is right as well. */
  readonly passes?: true
}

const protocolError: Wanted = { kind: 'upstream_protocol_error', category: 'transport', sideEffect: 'unknown' }
const timeout: Wanted = { kind: 'upstream_timeout', category: 'transport', sideEffect: 'unknown' }
const lost: Wanted = { kind: 'outcome_unknown', category: 'transport', sideEffect: 'unknown' }
const page = '<html><body>Sign in to Hotel WiFi</body></html>'

const answerRow = (id: string, what: string, fault: L7Fault, more: Partial<Row> = {}): Row => ({
  id,
  what,
  fault,
  wanted: protocolError,
  anomaly: 'malformed',
  ...more,
})

const rows: readonly Row[] = [
  { id: 'T04', what: 'reads the request and never answers', fault: faults.silence, wanted: timeout },
  { id: 'T06', what: 'RST before headers, a write', fault: faults.resetEarly, wanted: lost },
  { id: 'T06', what: 'RST before headers, once, a read', tool: 'read', fault: [faults.resetEarly], effects: 2 },
  { id: 'T07', what: 'RST after progress, resumed by Last-Event-ID', fault: faults.progressThenReset, upstreams: ['legacy'] },
  {
    id: 'T08',
    what: 'RST after progress, nothing to resume, a write',
    fault: faults.progressThenReset,
    wanted: lost,
    upstreams: ['modern'],
  },
  { id: 'T08', what: 'the same, a read', tool: 'read', fault: [faults.progressThenReset], effects: 2, upstreams: ['modern'] },
  answerRow('T09', 'FIN within the JSON, length not told', faults.halfThenEnd),
  { id: 'T09', what: 'cut within a chunked body', fault: faults.halfThenCut, wanted: lost },
  { id: 'T12', what: 'stalls within the body', fault: faults.stall, wanted: timeout },
  { id: 'T13', what: 'keep-alive comments for longer than the time-out, then the result', fault: faults.keepAlives(12, 150), passes: true },
  answerRow('T14', 'a page in place of JSON', faults.status(200, page, 'text/html'), { hides: 'Hotel' }),
  answerRow('T14', 'a page without a type', faults.status(200, page, ''), { hides: 'Hotel' }),
  answerRow('T14', '202 in place of an answer', faults.status(202)),
  answerRow('T15', 'an empty body', faults.body('')),
  answerRow('T15', 'null', faults.body('null')),
  answerRow('T15', 'an array', faults.body('[]')),
  answerRow(
    'T15',
    'no jsonrpc',
    faults.mangled((answer) => answer.replace('"jsonrpc":"2.0",', '')),
  ),
  answerRow(
    'T15',
    'a result that is no object',
    faults.mangled((answer) => answer.replace(/"result":.*/, '"result":"ok"}')),
  ),
  answerRow(
    'T15',
    'neither result nor error',
    faults.mangled((answer) => answer.replace('"result":', '"resul":')),
  ),
  {
    id: 'T17',
    what: 'invalid UTF-8',
    fault: faults.mangled((answer) => replaced(answer, Buffer.from([0xff, 0xfe]))),
    adds: '\ufffd\ufffd',
    anomaly: 'utf8',
    passes: true,
  },
  {
    id: 'T17',
    what: 'a lone surrogate',
    fault: faults.mangled((answer) => replaced(answer, Buffer.from('\\ud83d'))),
    adds: '\ud83d',
    passes: true,
  },
  answerRow(
    'T17',
    'a NUL byte',
    faults.mangled((answer) => replaced(answer, Buffer.from([0]))),
  ),
  {
    id: 'T18',
    what: '64 MiB, announced',
    fault: faults.oversize(64 * mebi, true),
    wanted: { kind: 'result_too_large', category: 'tool', sideEffect: 'unknown' },
    anomaly: 'oversize',
  },
  {
    id: 'T18',
    what: '64 MiB, not announced',
    fault: faults.oversize(64 * mebi, false),
    wanted: { kind: 'result_too_large', category: 'tool', sideEffect: 'unknown' },
    anomaly: 'oversize',
  },
  answerRow('T19', '100,000 levels deep', faults.structured('['.repeat(100_000) + ']'.repeat(100_000))),
  answerRow(
    'T21',
    'the wrong id',
    faults.foreignId(() => 424_242),
    { anomaly: 'orphan' },
  ),
  { id: 'T21', what: 'the id as a string', fault: faults.foreignId((own) => String(own)), anomaly: 'id_type' },
  { id: 'T21', what: 'the answer twice', fault: faults.duplicate, anomaly: 'duplicate' },
  { id: 'T23', what: 'CRLF, a byte order mark, comments and fields nobody knows', fault: faults.stream(...oddStream()), passes: true },
  { id: 'T23', what: 'CR alone as line end', fault: faults.stream((answer) => `event: message\rdata: ${answer}\r\r`), passes: true },
  {
    id: 'T23',
    what: 'data in several lines',
    fault: faults.stream((answer) => `data: ${answer.replaceAll(',', ',\ndata: ')}\n\n`),
    passes: true,
  },
  answerRow(
    'T15',
    'an event stream that ends without an answer',
    faults.stream(() => ': nothing\n\n'),
    {
      wanted: lost,
      anomaly: undefined as never,
    },
  ),
  {
    id: 'A02',
    what: '401',
    fault: faults.status(401, secrets.upstream, 'text/plain', { 'www-authenticate': `Bearer realm="${secrets.upstream}"` }),
    wanted: { kind: 'upstream_auth_failed', category: 'authentication', sideEffect: 'none' },
  },
  {
    id: 'N02',
    what: '429 with Retry-After',
    // What is told to wait longer is held back (test/promises/service-limits.test.ts).
    fault: faults.status(429, '', 'text/plain', { 'retry-after': '0' }),
    wanted: { kind: 'upstream_busy', category: 'integration', sideEffect: 'unknown' },
  },
  {
    id: 'N02',
    what: '503 with a page',
    fault: faults.status(503, page, 'text/html', { 'retry-after': '0' }),
    wanted: { kind: 'upstream_busy', category: 'integration', sideEffect: 'unknown' },
    hides: 'Hotel',
  },
  {
    id: 'N02',
    what: '500',
    fault: faults.status(500, page, 'text/html'),
    wanted: { kind: 'upstream_http_error', category: 'integration', sideEffect: 'unknown' },
    hides: 'Hotel',
  },
  {
    id: 'A16',
    what: 'a redirect to another host',
    fault: faults.status(307, '', 'text/plain', { location: 'http://127.0.0.1:9/steal' }),
    wanted: { kind: 'upstream_redirected', category: 'integration', sideEffect: 'none' },
  },
]

function replaced(answer: string, by: Buffer): Buffer {
  const at = answer.indexOf('"text":"') + 8
  return Buffer.concat([Buffer.from(answer.slice(0, at)), by, Buffer.from(answer.slice(at))])
}

function oddStream(): ((answer: string) => string | Buffer)[] {
  return [
    () => '\ufeff: hello\r\n\r\n',
    () => 'retry: 10\r\nnonsense: 1\r\nevent: other\r\ndata: {not for us}\r\n\r\n',
    (answer) => `event:message\r\nid\r\ndata:${answer}\r\n\r\n: bye\r\n\r\n`,
  ]
}

function metOf(
  row: Pick<Row, 'id' | 'what' | 'wanted' | 'adds' | 'effects'>,
  era: string,
  answer: RawAnswer,
  tag: string,
  executions: number,
) {
  const { id, what, wanted, adds = '', effects = 1 } = row
  return { id, fault: what, era, answer, text: adds + tag, executions, allowed: effects, wanted: wanted?.kind ?? '', withinMs: recoveryMs }
}

let made = 0
function tagFor(row: string, client: RawEra, upstream: RawEra): string {
  made += 1
  return `${row}-${made}-${client}-${upstream}`
}

/** I1 and the shape of the answer. */
function judge(answer: RawAnswer, tag: string, wanted: Wanted | undefined, adds = ''): void {
  expect(answer.answers, `${tag}: ${answer.text.slice(0, 500)}`).toHaveLength(1)
  expect(answer.strange).toEqual([])
  for (const secret of Object.values(secrets)) expect(answer.text).not.toContain(secret)
  const seen = faultOf(answer)
  if (wanted === undefined) {
    expect(seen, tag).toBeUndefined()
    expect(textOf(answer)).toBe(adds + tag)
    return
  }
  expect(seen, `${tag}: ${answer.text.slice(0, 500)}`).toMatchObject({
    kind: wanted.kind,
    category: wanted.category,
    side_effect: wanted.sideEffect,
  })
  expect(answer.status).toBe(200)
  expect(answer.answers[0].result.isError).toBe(true)
  expect(seen?.correlation_id).toBeTruthy()
  expect(seen?.tell_user.length).toBeGreaterThan(20)
}

/** The longest until the next call is good. */
const recoveryMs = 8_000

/** The next call works, at once or once the way back was found; resolves to how long that took. */
async function recovers(client: RawEra, upstream: RawEra): Promise<number> {
  const begun = performance.now()
  let last: RawAnswer | undefined
  const fine = await eventually(async () => {
    const tag = tagFor('recovery', client, upstream)
    last = await clients[client][upstream]?.call('write', { tag })
    return last !== undefined && textOf(last) === tag && faultOf(last) === undefined
  }, recoveryMs)
  expect(fine, last?.text).toBe(true)
  return performance.now() - begun
}

describe('a wrong answer', () => {
  test.each(rows.map((row) => [`${row.id} ${row.what}`, row] as const))('%s', async (_name, row) => {
    const before = await rig.evidence()
    const upstreams = row.upstreams ?? eras
    const tool = row.tool ?? 'write'
    const cells: [client: RawEra, upstream: RawEra, cell: Cell][] = []
    await Promise.all(
      eras.flatMap((client) =>
        upstreams.map(async (upstream) => {
          const tag = tagFor(row.id, client, upstream)
          l7[upstream].script(tag, row.fault)
          const answer = await (clients[client][upstream] as RawClient).call(tool, { tag }, { progressToken: tag })
          cells.push([client, upstream, cellOf(metOf(row, `${client} → ${upstream}`, answer, tag, l7[upstream].effectsOf(tag)))])
          judge(answer, tag, row.wanted, row.adds)
          if (row.hides !== undefined) expect(answer.text).not.toContain(row.hides)
          expect(l7[upstream].effectsOf(tag)).toBe(row.effects ?? 1)
        }),
      ),
    )
    const after = await rig.evidenceWhen((now) =>
      upstreams.every((upstream) => {
        const labels = { upstream, method: 'tools/call' }
        return now.sum('signalbox_call_seconds_count', labels) >= before.sum('signalbox_call_seconds_count', labels) + 2
      }),
    )
    for (const upstream of upstreams) {
      const grown = (name: string, labels: Record<string, string>): number =>
        after.sum(name, { upstream, ...labels }) - before.sum(name, { upstream, ...labels })
      expect(grown('signalbox_call_seconds_count', { method: 'tools/call' })).toBe(2)
      if (row.wanted !== undefined) expect(grown('signalbox_faults_total', { kind: row.wanted.kind })).toBe(2)
      if (row.anomaly !== undefined) expect(grown('signalbox_proto_anomaly_total', { type: row.anomaly })).toBe(2)
      if (row.effects === 2) expect(grown('signalbox_retries_total', {})).toBe(2)
    }
    for (const [client, upstream, cell] of cells) tell({ ...cell, recoveryMs: await recovers(client, upstream) })
    await rig.neighbourIsFine()
  })

  test('T18: what was sent beyond the cap was not read', () => {
    for (const upstream of eras) expect(l7[upstream].proxy.bytesMade).toBeLessThan(4 * 32 * mebi)
  })

  test('no header of a client reached a server', () => {
    for (const upstream of eras) {
      expect(JSON.stringify(l7[upstream].log)).not.toContain(secrets.client)
      expect(JSON.stringify(l7[upstream].log)).toContain(secrets.upstream)
    }
  })
})

describe('large but legal', () => {
  test.each(eras)('T18 a result over the cap of clients becomes a link, T19 odd keys pass (%s client)', async (client) => {
    for (const upstream of eras) {
      const large = tagFor('T18', client, upstream)
      l7[upstream].script(large, faults.oversize(2 * mebi, true))
      const link = await (clients[client][upstream] as RawClient).call('write', { tag: large })
      expect(link.answers[0].result.content[1].type).toBe('resource_link')
      const odd = tagFor('T19', client, upstream)
      const keys = Array.from({ length: 10_000 }, (_, n) => `"k${n}":${n}`).join(',')
      l7[upstream].script(
        odd,
        faults.structured(`{"__proto__":{"polluted":1},"constructor":{"prototype":{}},"big":9007199254740993,${keys}}`),
      )
      const answer = await (clients[client][upstream] as RawClient).call('write', { tag: odd })
      expect(answer.answers).toHaveLength(1)
      expect(answer.text).toContain('"__proto__":{"polluted":1}')
      expect(answer.text).toContain('9007199254740993')
      const era = `${client} → ${upstream}`
      shown('T18', '2 MiB, over the cap of clients: a link', era, { executions: l7[upstream].effectsOf(large), allowed: 1 })
      shown('T19', '10,000 keys, odd ones among them', era, { executions: l7[upstream].effectsOf(odd), allowed: 1 })
    }
    await rig.neighbourIsFine()
  })
})

describe('answers that cross', () => {
  test('T22 an answer with the id of another session in flight reaches neither', async () => {
    for (const upstream of eras) {
      const [mine, other] = [tagFor('T22', 'modern', upstream), tagFor('T22', 'legacy', upstream)]
      let letGo: () => void = () => undefined
      const until = new Promise<void>((resolve) => {
        letGo = resolve
      })
      let id: unknown
      l7[upstream].script(mine, (turn) => {
        id = turn.id
        return faults.held(until)(turn)
      })
      l7[upstream].script(
        other,
        faults.foreignId(() => id),
      )
      const held = (clients.modern[upstream] as RawClient).call('write', { tag: mine })
      expect(await eventually(() => id !== undefined)).toBe(true)
      judge(await (clients.legacy[upstream] as RawClient).call('write', { tag: other }), other, protocolError)
      letGo()
      const own = await held
      const executions = l7[upstream].effectsOf(mine)
      tell(cellOf({ id: 'T22', fault: 'another answer with its id', era: `modern → ${upstream}`, answer: own, text: mine, executions }))
      judge(own, mine, undefined)
    }
    await rig.neighbourIsFine()
  })
})

/** Resolves once every connection of before is seen to be gone: a call that meets the end of its connection is another row. */
async function restart(upstream: RawEra, lostStatus: 404 | 400): Promise<void> {
  const { accepted } = l4[upstream]
  l7[upstream].restart(lostStatus)
  expect(await eventually(() => l4[upstream].accepted - l4[upstream].open >= accepted)).toBe(true)
}

describe('a server that goes away', () => {
  test('T01 refused: told at once, nothing executed, the circuit opens, and closes again when it is back', async () => {
    for (const upstream of eras) {
      await l4[upstream].set({ kind: 'refuse' })
      const kinds: string[] = []
      const told: RawAnswer[] = []
      for (let n = 0; n < 8; n += 1) {
        const tag = tagFor('T01', 'modern', upstream)
        const client = eras[n % 2] as RawEra
        const answer = await (clients[client][upstream] as RawClient).call('write', { tag })
        told.push(answer)
        expect(answer.answers).toHaveLength(1)
        const seen = faultOf(answer)
        expect(seen).toMatchObject({ retryable: true, side_effect: 'none' })
        kinds.push(seen?.kind ?? '')
        expect(l7[upstream].effectsOf(tag)).toBe(0)
      }
      expect([...new Set(kinds)]).toEqual(['upstream_unavailable', 'circuit_open'])
      await l4[upstream].set({ kind: 'none' })
      for (const [n, client] of eras.entries()) {
        const met = { id: 'T01', fault: 'connections refused', era: `${client} → ${upstream}`, answer: told[n] as RawAnswer, text: '' }
        const recovered = await recovers(client, upstream)
        tell(cellOf({ ...met, executions: 0, allowed: 0, wanted: ['upstream_unavailable', 'circuit_open'], recoveryMs: recovered }))
      }
      expect((await rig.evidence()).sum('signalbox_circuit_state', { upstream })).toBe(0)
    }
    await rig.neighbourIsFine()
  }, 20_000)

  test('T03 a SYN that nobody answers ends in the connect time-out, nothing executed', async () => {
    for (const upstream of eras) {
      await l4[upstream].set({ kind: 'refuse' })
      const hole = await startBlackHole(l4[upstream].port)
      const tag = tagFor('T03', 'modern', upstream)
      const answer = await (clients.modern[upstream] as RawClient).call('write', { tag })
      await hole.stop()
      await l4[upstream].set({ kind: 'none' })
      judge(answer, tag, { kind: 'upstream_timeout', category: 'transport', sideEffect: 'none' })
      expect(answer.text).toContain('connect')
      expect(l7[upstream].effectsOf(tag)).toBe(0)
      for (const client of eras) {
        const met = {
          id: 'T03',
          fault: 'a SYN that nobody answers',
          era: `modern → ${upstream}`,
          answer,
          text: '',
          executions: 0,
          allowed: 0,
        }
        const recovered = await recovers(client, upstream)
        if (client === 'modern') tell(cellOf({ ...met, wanted: 'upstream_timeout', recoveryMs: recovered }))
      }
    }
    await rig.neighbourIsFine()
  }, 20_000)

  test.each([
    ['T25', 404],
    ['T26', 400],
  ] as const)(
    '%s a restart that loses sessions (%i): five calls at once are each executed once, after one new handshake',
    async (id, lostStatus) => {
      const server = l7.legacy
      for (const client of eras) {
        const handshakes = server.handshakes
        await restart('legacy', lostStatus)
        const tags = Array.from({ length: 5 }, () => tagFor(id, client, 'legacy'))
        const answers = await Promise.all(tags.map((tag) => (clients[client].legacy as RawClient).call('write', { tag })))
        for (const [n, tag] of tags.entries()) {
          const answer = answers[n] as RawAnswer
          const met = { id, fault: `a restart that loses sessions (${lostStatus}), five calls at once`, era: `${client} → legacy`, answer }
          if (n === 0) tell(cellOf({ ...met, text: tag, executions: server.effectsOf(tag), recoveryMs: 0 }))
          judge(answer, tag, undefined)
          expect(server.effectsOf(tag)).toBe(1)
        }
        // The gateway's own session for lists and that of the client, and for each the one that shows that the server takes any.
        expect(server.handshakes - handshakes).toBeLessThanOrEqual(4)
      }
      await rig.neighbourIsFine()
    },
  )

  test('T27 a restart storm: handshakes stay few, calls are told, and all is well when it ends', async () => {
    const server = l7.legacy
    server.diesOnHandshake = true
    await restart('legacy', 404)
    const before = server.count('initialize') + server.count('server/discover')
    for (let n = 0; n < 20; n += 1) {
      const tag = tagFor('T27', 'modern', 'legacy')
      const answer = await (clients[eras[n % 2] as RawEra].legacy as RawClient).call('write', { tag })
      expect(answer.answers).toHaveLength(1)
      // The bare 404 of a server that then does not greet may be an ingress's: it is no evidence that nothing was executed.
      if (faultOf(answer)?.kind === 'upstream_http_error') expect(faultOf(answer)).toMatchObject({ side_effect: 'unknown' })
      else {
        expect(['upstream_unavailable', 'circuit_open']).toContain(faultOf(answer)?.kind)
        expect(faultOf(answer)).toMatchObject({ side_effect: 'none', retryable: true })
      }
    }
    expect(server.count('initialize') + server.count('server/discover') - before).toBeLessThan(20)
    server.diesOnHandshake = false
    for (const client of eras)
      shown('T27', 'a restart storm', `${client} → legacy`, { recoveryMs: await recovers(client, 'legacy'), withinMs: recoveryMs })
    await rig.neighbourIsFine()
  }, 30_000)
})

describe('clients that wait for less than the server takes', () => {
  test.each(eras)(
    'T35 a client that states 300 ms is told that its time is over, and the server that nobody waits (%s client)',
    async (client) => {
      for (const upstream of eras) {
        const tag = tagFor('T35', client, upstream)
        l7[upstream].script(tag, faults.silence)
        const params = { name: 'write', arguments: { tag }, _meta: { 'signalbox.dev/deadline_ms': 300 } }
        const answer = await (clients[client][upstream] as RawClient).ask('tools/call', params, { headers: { 'mcp-name': 'write' } })
        const executions = l7[upstream].effectsOf(tag)
        const met = {
          id: 'T35',
          fault: 'the client waits for 300 ms, the server takes longer',
          era: `${client} → ${upstream}`,
          answer,
          text: '',
        }
        tell(cellOf({ ...met, executions, wanted: 'upstream_timeout', recoveryMs: await recovers(client, upstream), withinMs: recoveryMs }))
        judge(answer, tag, timeout)
        expect(answer.text).toContain('deadline that the caller stated')
        expect(await eventually(() => l7[upstream].cancelled.has(tag))).toBe(true)
      }
    },
  )
})

describe('clients that misbehave in mid-call', () => {
  test('T33 a modern client that disconnects cancels its call upstream; a legacy one does not', async () => {
    for (const upstream of eras) {
      const tag = tagFor('T33', 'modern', upstream)
      l7[upstream].script(tag, faults.silence)
      const gone = await (clients.modern[upstream] as RawClient).call('write', { tag }, { sent: whenHeard(upstream, tag) })
      expect(gone.status).toBe(0)
      expect(await eventually(() => l7[upstream].cancelled.has(tag), 600)).toBe(true)

      const kept = tagFor('T33', 'legacy', upstream)
      let letGo: () => void = () => undefined
      let ended = false
      const until = new Promise<void>((resolve) => {
        letGo = resolve
      })
      l7[upstream].script(kept, async (turn) => {
        turn.res.on('finish', () => {
          ended = true
        })
        await faults.held(until)(turn)
      })
      await (clients.legacy[upstream] as RawClient).call('write', { tag: kept }, { sent: whenHeard(upstream, kept) })
      await rig.neighbourIsFine()
      expect(l7[upstream].cancelled.has(kept)).toBe(false)
      letGo()
      expect(await eventually(() => ended)).toBe(true)
      expect(l7[upstream].effectsOf(kept)).toBe(1)
      for (const [client, executions] of [
        ['modern', l7[upstream].effectsOf(tag)],
        ['legacy', l7[upstream].effectsOf(kept)],
      ] as const) {
        const recovered = { recoveryMs: await recovers(client, upstream), withinMs: recoveryMs }
        shown('T33', 'the client disconnects in mid-call', `${client} → ${upstream}`, { executions, allowed: 1, ...recovered })
      }
    }
  })

  test('T34 clients that do not read their answers hold up nobody', async () => {
    const before = (await rig.evidence()).sum('signalbox_resident_bytes')
    const text = `"${'x'.repeat(900_000)}"`
    const stuck = Array.from({ length: 20 }, async (_, n) => {
      const tag = tagFor('T34', 'modern', 'modern')
      l7.modern.script(tag, faults.structured(text))
      return (clients.modern.modern as RawClient).call(
        'read',
        { tag },
        {
          sent: (req) => void req.on('response', (res) => setTimeout(() => res.resume(), 300 + n).ref() && res.pause()),
        },
      )
    })
    for (let n = 0; n < 5; n += 1) await rig.neighbourIsFine()
    for (const answer of await Promise.all(stuck)) expect(answer.answers).toHaveLength(1)
    expect((await rig.evidence()).sum('signalbox_resident_bytes') - before).toBeLessThan(200 * mebi)
    shown('T34', '20 clients that read their answers late', 'modern → modern')
  })
})

function whenHeard(upstream: RawEra, tag: string): (req: { destroy(): void }) => void {
  return (req) => {
    void eventually(() => l7[upstream].effectsOf(tag) === 1).then(() => req.destroy())
  }
}

describe('the rows have teeth: a raw pass-through in the place of the gateway keeps none of their promises', () => {
  const passes = {} as Record<RawEra, PassThrough>
  const direct = {} as Record<RawEra, RawClient>
  beforeAll(async () => {
    for (const era of eras) {
      passes[era] = await startPassThrough(l4[era].port)
      direct[era] = await new RawClient(era, passes[era].url).connect()
    }
  })
  afterAll(async () => {
    for (const era of eras) await passes[era].stop()
  })

  /** What cannot be read, or does not come, is no answer. */
  const ask = (era: RawEra, tool: string, tag: string): Promise<RawAnswer> =>
    direct[era]
      .call(tool, { tag }, { sent: (req) => AbortSignal.timeout(2_500).addEventListener('abort', () => req.destroy()) })
      .catch((error: unknown) => ({ status: 0, headers: {}, text: String(error), answers: [], events: [], strange: [] }))

  test.each(rows.filter((row) => row.passes !== true).map((row) => [`${row.id} ${row.what}`, row] as const))('%s', async (_name, row) => {
    for (const era of row.upstreams ?? eras) {
      const tag = tagFor(row.id, era, era)
      l7[era].script(tag, row.fault)
      const answer = await ask(era, row.tool ?? 'write', tag)
      const cell = cellOf({ ...metOf(row, era, answer, tag, l7[era].effectsOf(tag)), recoveryMs: 0 })
      expect(verdictOf(cell)).not.toBe('kept')
    }
  })
})

test('the tools of the servers are what the rows believe', () => {
  expect(standardTools.map((tool) => tool.name)).toEqual(['read', 'write'])
})

describe('a server that changes its era', () => {
  test('T28 a server that comes back in the other era is found out, both ways', async () => {
    for (const [upstream, era] of [
      ['legacy', 'modern'],
      ['modern', 'legacy'],
    ] as const) {
      l7[upstream].era = era
      await restart(upstream, 404)
      for (const client of eras) {
        const recovered = { recoveryMs: await recovers(client, upstream), withinMs: recoveryMs }
        shown('T28', `the server comes back as ${era}`, `${client} → ${upstream}`, recovered)
      }
    }
    await rig.neighbourIsFine()
  }, 30_000)
})
