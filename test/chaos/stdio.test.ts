// Faults of stdio servers, row by row of the catalogue (P), and what rows of tools and transport have a form of their own on one shared
// stream: each ends in one honest answer, with the executions counted in a file, and the next call works.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Rule, type StdioFault, type StdioPlan, stdioShim } from '../../src/operate/toolkit/chaos/index.ts'
import { eventually } from '../peers/processes.ts'
import { root } from '../peers/servers.ts'
import { startStdioPassThrough } from './pass-through.ts'
import { children, openFiles } from './processes.ts'
import { faultOf, type RawAnswer, RawClient, type RawEra, textOf } from './raw-client.ts'
import { type Rig, secrets, startRig } from './rig.ts'
import { cellOf, shown, tell, verdictOf } from './table.ts'

const eras = ['modern', 'legacy'] as const
const folder = mkdtempSync(join(tmpdir(), 'signalbox-chaos-'))
const effects = join(folder, 'effects')
const clients = {} as Record<RawEra, Record<string, RawClient>>
let rig: Rig
let filesAtStart = 0

/** By the act that a call asks for. */
const acts: Readonly<Record<string, StdioFault>> = {
  crash: { kind: 'kill' },
  exit: { kind: 'exit', code: 9 },
  hang: { kind: 'stop' },
  silence: { kind: 'silence' },
  noise: { kind: 'noise', before: 'starting up {not json}\nDEBUG 12:00 "half a string\n\n', after: 'bye\n' },
  glue: { kind: 'noise', before: 'log without an end' },
  broken: { kind: 'truncate', bytes: 3 },
  partial: { kind: 'partial', bytes: 30 },
  oversize: { kind: 'oversize', bytes: 64 * 1_048_576 },
  flood: { kind: 'stderr', bytes: 4 * 1_048_576 },
  secret: { kind: 'exit', code: 4, stderr: `cannot reach the database with ${secrets.upstream}\n` },
  wrongId: { kind: 'id', id: 987_654 },
  textId: { kind: 'id', id: 'text' },
  twice: { kind: 'duplicate' },
  badUtf8: { kind: 'insert', after: '"text":"', hex: 'fffe' },
  deep: { kind: 'deep', levels: 100_000 },
}
const rules: Rule<StdioFault>[] = [
  ...Object.entries(acts).map(([act, fault]) => ({ tool: 'act', arguments: { act }, fault })),
  // The first look of each client: its second execution goes right, in the child after this one.
  ...eras.map((client) => ({ tool: 'look', arguments: { act: 'crash', client }, nth: 1, fault: { kind: 'kill' as const } })),
]
const mute: Rule<StdioFault> = { method: 'server/discover', fault: { kind: 'silence' } }

function shim(name: string, era: RawEra, plan: StdioPlan = {}, more: Record<string, unknown> = {}): Record<string, unknown> {
  const counts = join(folder, `${name}.counts`)
  const child = { command: process.execPath, args: [join(root, 'test', 'chaos', 'stdio-server.mjs')] }
  // What the server has as a secret goes with the plan too.
  const env = { SERVER_EFFECTS: effects, SERVER_ERA: era, SERVER_SECRET: secrets.upstream }
  return { ...stdioShim({ rules, counts, ...plan }, child), env, ...more }
}

interface Row {
  readonly id: string
  readonly act: string
  /** Kind and side effect; absent: success. */
  readonly wanted?: readonly [kind: string, category: string, sideEffect: 'none' | 'unknown']
  /** `look` only reads, so that it may be repeated; its second execution goes right. */
  readonly repeated?: true
  /** The child ends, so that the row has children of its own: restarts in a row wait longer and longer. */
  readonly ends?: true
  readonly anomaly?: string
  /** What stands before the text of a success. */
  readonly adds?: string
  /** What only passes it on is right as well. */
  readonly passes?: true
}

const unknown = ['outcome_unknown', 'transport', 'unknown'] as const
const protocolError = ['upstream_protocol_error', 'transport', 'unknown'] as const
const rows: readonly Row[] = [
  { id: 'P02 SIGKILL in a write', act: 'crash', wanted: unknown, ends: true },
  { id: 'P02 SIGKILL in a read', act: 'crash', repeated: true, ends: true },
  { id: 'P02 an exit in mid-call', act: 'exit', wanted: unknown, ends: true },
  { id: 'P03 SIGSTOP', act: 'hang', wanted: ['upstream_timeout', 'transport', 'unknown'], ends: true },
  { id: 'P03 never answers, but lives', act: 'silence', wanted: ['upstream_timeout', 'transport', 'unknown'] },
  { id: 'P04 noise around the answer', act: 'noise', anomaly: 'stdout' },
  { id: 'P05 noise glued to the answer', act: 'glue', anomaly: 'glued' },
  { id: 'P05 a broken answer', act: 'broken', wanted: protocolError, anomaly: 'malformed' },
  { id: 'P06 a partial line, then the exit', act: 'partial', wanted: unknown, anomaly: 'malformed', ends: true },
  { id: 'P07 a line of 64 MiB', act: 'oversize', wanted: ['result_too_large', 'tool', 'unknown'], anomaly: 'oversize', ends: true },
  { id: 'P08 4 MiB on stderr', act: 'flood' },
  { id: 'L20 last words with a secret', act: 'secret', wanted: unknown, ends: true },
  { id: 'T17 invalid UTF-8', act: 'badUtf8', adds: '\ufffd\ufffd', anomaly: 'utf8', passes: true },
  { id: 'T19 100,000 levels deep', act: 'deep', wanted: protocolError, anomaly: 'malformed' },
  { id: 'T21 the wrong id', act: 'wrongId', wanted: protocolError, anomaly: 'orphan' },
  { id: 'T21 the id as a string', act: 'textId', anomaly: 'id_type' },
  { id: 'T21 the answer twice', act: 'twice', anomaly: 'duplicate', passes: true },
]

const namesOf = (row: Row, era: RawEra): string => (row.ends ? `${era}-${rows.indexOf(row)}` : era)
/** One for each client where calls are repeated: a child that ends twice within seconds is left alone for longer than a repeat may wait. */
const nameFor = (row: Row, upstream: string, client: RawEra): string => (row.repeated ? `${upstream}-${client}` : upstream)

beforeAll(async () => {
  const ending = rows.filter((row) => row.ends)
  const own = ending.flatMap((row) =>
    eras.flatMap((era) => {
      const names = new Set(eras.map((client) => nameFor(row, namesOf(row, era), client)))
      return [...names].map((name) => [name, shim(name, era, {}, { era })] as const)
    }),
  )
  rig = await startRig({
    servers: {
      ...Object.fromEntries(own),
      modern: shim('modern', 'modern'),
      legacy: shim('legacy', 'legacy'),
      noisy: shim('noisy', 'legacy', {
        start: { kind: 'noise', text: 'Welcome to shim 1.0!\n\u001b[32mready\u001b[0m\n{"level":30,"msg":"listening"}\n' },
      }),
      mute: shim('mute', 'legacy', { rules: [mute] }),
      slow: shim('slow', 'legacy', { start: { kind: 'slow', ms: 1_500 } }, { era: 'legacy' }),
      exits: shim('exits', 'legacy', { start: { kind: 'exit', code: 3, stderr: 'DATABASE_URL is not set\n' } }),
      hangs: shim('hangs', 'legacy', { start: { kind: 'hang' } }, { timeouts: { start: 1_000, probe: 400 } }),
    },
    limits: { messageBytes: 4_194_304, resultBytes: 1_048_576, breakerFailures: 1_000 },
  })
  const good = [...own.map(([name]) => name), 'modern', 'legacy', 'noisy', 'mute', 'slow']
  await rig.serves(...good)
  for (const era of eras) {
    const each = good.map(async (upstream) => {
      return [upstream, await new RawClient(era, `${rig.base}/mcp/${upstream}`).connect()] as const
    })
    clients[era] = Object.fromEntries(await Promise.all(each))
  }
  filesAtStart = openFiles(rig.gateway.child.pid)
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  rmSync(folder, { recursive: true, force: true })
}, 20_000)

/** The longest until a call is good again: the pauses before a child is started anew grow. */
const recoveryMs = 10_000

let made = 0
function tagFor(row: string, upstream: string): string {
  made += 1
  return `${row}-${made}-${upstream}`
}

function executions(tag: string): number {
  return readFileSync(effects, 'utf8')
    .split('\n')
    .filter((line) => line === tag).length
}

function judge(answer: RawAnswer, tag: string, wanted: Row['wanted'], adds = ''): void {
  expect(answer.answers, `${tag}: ${answer.text.slice(0, 400)}`).toHaveLength(1)
  expect(answer.strange).toEqual([])
  expect(answer.text).not.toContain(secrets.upstream)
  const seen = faultOf(answer)
  if (wanted === undefined) {
    expect(seen).toBeUndefined()
    expect(textOf(answer)).toBe(adds + tag)
    return
  }
  const [kind, category, side_effect] = wanted
  expect(seen, answer.text.slice(0, 400)).toMatchObject({ kind, category, side_effect })
  expect(answer.answers[0].result.isError).toBe(true)
}

/** Resolves to how long it took until a call was good again. */
async function works(client: RawEra, upstream: string): Promise<number> {
  const begun = performance.now()
  let last: RawAnswer | undefined
  const fine = await eventually(async () => {
    const tag = tagFor('recovery', upstream)
    last = await clients[client][upstream]?.call('act', { tag })
    return last !== undefined && textOf(last) === tag && faultOf(last) === undefined
  }, recoveryMs)
  expect(fine, last?.text).toBe(true)
  return performance.now() - begun
}

describe('a child that misbehaves', () => {
  test.each(rows.map((row) => [row.id, row] as const))(
    '%s',
    async (_name, row) => {
      const { id, act, wanted, repeated, anomaly } = row
      const upstreams = eras.map((era) => namesOf(row, era))
      const before = await rig.evidence()
      await Promise.all(
        upstreams.map(async (upstream) => {
          for (const client of eras) {
            const tag = tagFor(id, upstream)
            const args = { act, tag, ...(repeated ? { client } : {}) }
            const at = nameFor(row, upstream, client)
            const answer = await (clients[client][at] as RawClient).call(repeated ? 'look' : 'act', args)
            const recovered = await works(client, at)
            const allowed = repeated ? 2 : 1
            const era = `${client} → ${upstream.replace(/-.*/, '')} stdio`
            const text = (row.adds ?? '') + tag
            const met = { id: id.slice(0, 3), fault: id.slice(4), era, answer, text, executions: executions(tag), allowed }
            tell(cellOf({ ...met, wanted: wanted?.[0] ?? '', recoveryMs: recovered, withinMs: recoveryMs }))
            judge(answer, tag, wanted, row.adds)
            expect(executions(tag)).toBe(allowed)
          }
        }),
      )
      if (anomaly !== undefined) {
        const after = await rig.evidence()
        for (const upstream of upstreams) {
          const labels = { upstream, type: anomaly }
          expect(after.sum('signalbox_proto_anomaly_total', labels) - before.sum('signalbox_proto_anomaly_total', labels)).toBeGreaterThan(
            1,
          )
        }
      }
      await rig.neighbourIsFine()
    },
    30_000,
  )

  test('P07 others in flight on the same child are told too', async () => {
    const [mine, other] = [tagFor('P07', 'modern'), tagFor('P07', 'modern')]
    const client = clients.modern.modern as RawClient
    const waiting = client.call('act', { act: 'silence', tag: other })
    expect(await eventually(() => executions(other) === 1)).toBe(true)
    const answers = await Promise.all([client.call('act', { act: 'oversize', tag: mine }), waiting])
    expect(answers.map((answer) => answer.answers.length)).toEqual([1, 1])
    const met = {
      id: 'P07',
      fault: 'a line of 64 MiB: another call on the child',
      era: 'modern → modern stdio',
      answer: answers[1] as RawAnswer,
    }
    const recovered = { recoveryMs: await works('modern', 'modern'), withinMs: recoveryMs }
    tell(cellOf({ ...met, text: '', executions: executions(other), wanted: ['outcome_unknown', 'upstream_timeout'], ...recovered }))
    expect(faultOf(answers[1] as RawAnswer)).toMatchObject({ side_effect: 'unknown', category: 'transport' })
  })

  test('T22, T24 two calls on one stream: each client gets its own progress, and the answers may cross', async () => {
    for (const upstream of eras) {
      const tags = [tagFor('T24', upstream), tagFor('T24', upstream)]
      const answers = await Promise.all(
        tags.map((tag) => (clients.modern[upstream] as RawClient).call('act', { act: 'pair', tag }, { progressToken: `of ${tag}` })),
      )
      for (const [n, tag] of tags.entries()) {
        const answer = answers[n] as RawAnswer
        const met = { id: 'T24', fault: 'progress of two calls on one stream', era: `modern → ${upstream} stdio`, answer, text: tag }
        if (n === 0) tell(cellOf({ ...met, executions: executions(tag) }))
        judge(answer, tag, undefined)
        const progress = answers[n]?.events.map((event) => [event.params.progressToken, event.params.progress])
        expect(progress).toEqual([1, 2, 3].map((value) => [`of ${tag}`, value]))
      }
    }
  })

  test('P11 after all that there is no zombie and no file left open', async () => {
    const { pid } = rig.gateway.child
    expect(await eventually(() => children(pid).every(({ state }) => state !== 'Z'))).toBe(true)
    expect(await eventually(() => openFiles(pid) <= filesAtStart + 8, 8_000)).toBe(true)
    expect((await rig.evidence()).sum('signalbox_child_restarts_total')).toBeGreaterThan(14)
    shown('P11', 'all those restarts: no zombie, no file left open', 'both')
    await rig.neighbourIsFine()
  })
})

describe('a child that starts badly', () => {
  test.each([
    ['P04 noise before the handshake', 'noisy'],
    ['T28 an unknown request before the handshake is not answered', 'mute'],
    ['P12 a start that takes longer than a call may', 'slow'],
  ])('%s: it is served', async (row, upstream) => {
    for (const client of eras) {
      const recovered = { recoveryMs: await works(client, upstream), withinMs: recoveryMs }
      shown(row.slice(0, 3), row.slice(4), `${client} → legacy stdio`, recovered)
    }
  })

  test('P01 an exit and a hang are named with their reason, and hide nobody', async () => {
    const upstreams = await rig.gateway.upstreams()
    const exits = upstreams.find(({ name }) => name === 'exits')
    expect(exits?.state).not.toBe('ready')
    expect(exits?.reason).toContain('DATABASE_URL is not set')
    expect(exits?.reason).toContain('exit code 3')
    expect(upstreams.find(({ name }) => name === 'hangs')?.state).not.toBe('ready')
    const client = await new RawClient('modern', `${rig.base}/mcp`).connect()
    const answer = await client.call('exits__act', {})
    expect(answer.answers).toHaveLength(1)
    expect(faultOf(answer), answer.text).toMatchObject({ kind: 'upstream_start_failed', category: 'configuration', side_effect: 'none' })
    expect(faultOf(answer)?.tell_user).toContain('exit code 3')
    const met = { id: 'P01', fault: 'an exit before the handshake', era: 'modern → -', answer, text: '', executions: 0, allowed: 0 }
    tell(cellOf({ ...met, wanted: 'upstream_start_failed' }))
    const list = await client.ask('tools/list', {})
    expect(list.text).toContain('legacy__act')
  })
})

describe('a raw pass-through in the place of the gateway keeps none of these promises', () => {
  /** What cannot be read, or does not come, is no answer. */
  const ask = (client: RawClient, args: Record<string, unknown>): Promise<RawAnswer> =>
    client
      .call(args.client === undefined ? 'act' : 'look', args, {
        sent: (req) => AbortSignal.timeout(2_500).addEventListener('abort', () => req.destroy()),
      })
      .catch((error: unknown) => ({ status: 0, headers: {}, text: String(error), answers: [], events: [], strange: [] }))

  test.each(rows.filter((row) => row.passes !== true).map((row) => [row.id, row] as const))('%s', async (id, row) => {
    for (const era of eras) {
      const { command, args, env } = shim(tagFor('pass', era), era) as { command: string; args: string[]; env: Record<string, string> }
      const pass = await startStdioPassThrough(command, args, env)
      const client = new RawClient(era, pass.url)
      const tag = tagFor(id, era)
      const answer = await ask(client, { act: row.act, tag, ...(row.repeated ? { client: era } : {}) })
      const next = tagFor('recovery', era)
      const recovered = textOf(await ask(client, { tag: next })) === next
      const met = {
        id,
        fault: row.act,
        era,
        answer,
        text: (row.adds ?? '') + tag,
        executions: executions(tag),
        wanted: row.wanted?.[0] ?? '',
      }
      expect(verdictOf(cellOf({ ...met, allowed: row.repeated ? 2 : 1, recoveryMs: recovered ? 0 : undefined }))).not.toBe('kept')
      await pass.stop()
    }
  })
})
