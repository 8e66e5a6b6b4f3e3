// Faults of connections (L4): the same rows before our own proxy, and before toxiproxy where `npm run chaos -- --toxiproxy` gives one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type L4Fault, startL4Proxy } from '../../src/operate/toolkit/chaos/index.ts'
import { eventually } from '../peers/processes.ts'
import { type L7Server, startL7Server } from './l7-server.ts'
import { type PassThrough, startPassThrough } from './pass-through.ts'
import { faultOf, type RawAnswer, RawClient, type RawEra, textOf } from './raw-client.ts'
import { type Rig, startRig } from './rig.ts'
import { cellOf, tell, verdictOf } from './table.ts'
import { type ConnectionLayer, Toxiproxy } from './toxiproxy.ts'

const eras = ['modern', 'legacy'] as const
const recoveryMs = 8_000
const l7 = {} as Record<RawEra, L7Server>
const l4 = {} as Record<RawEra, ConnectionLayer>
const passes = {} as Record<RawEra, PassThrough>
const clients = {} as Record<RawEra, Record<string, RawClient>>
const program = process.env.CHAOS_TOXIPROXY
let toxiproxy: Toxiproxy | undefined
let rig: Rig

interface Row {
  readonly id: string
  readonly what: string
  readonly fault: L4Fault
  /** Kinds that the agent may be told, and what is said of the side effect; absent: success. */
  readonly wanted?: readonly string[]
  readonly effect?: 'none' | 'unknown'
  /** It must not disturb a call, so that what only passes it on is right as well. */
  readonly passes?: true
}

const timeout = { wanted: ['upstream_timeout'], effect: 'unknown' } as const
const lost = { wanted: ['outcome_unknown'], effect: 'unknown' } as const
const rows: readonly Row[] = [
  { id: 'T01', what: 'refused', fault: { kind: 'refuse' }, wanted: ['upstream_unavailable'], effect: 'none' },
  { id: 'T03', what: 'half-open', fault: { kind: 'half-open' }, ...timeout },
  { id: 'T04', what: 'swallowed', fault: { kind: 'silence' }, ...timeout },
  { id: 'T06', what: 'RST before the headers', fault: { kind: 'reset', afterBytes: 0 }, ...lost },
  { id: 'T06', what: 'RST within the headers', fault: { kind: 'reset', afterBytes: 20 }, ...lost },
  { id: 'T09', what: 'FIN within the headers', fault: { kind: 'end', afterBytes: 20 }, ...lost },
  { id: 'T09', what: 'RST within the body', fault: { kind: 'reset', afterBytes: 200 }, ...lost },
  { id: 'T11', what: 'one byte in 20 ms', fault: { kind: 'drip', bytes: 1, everyMs: 20 }, ...timeout },
  { id: 'T12', what: 'a stall before the headers', fault: { kind: 'stall', afterBytes: 0 }, ...timeout },
  { id: 'T12', what: 'a stall within the headers', fault: { kind: 'stall', afterBytes: 20 }, ...timeout },
  { id: 'T23', what: 'split at every byte', fault: { kind: 'split', bytes: 1 }, passes: true },
]

beforeAll(async () => {
  if (program !== undefined) toxiproxy = await Toxiproxy.start(program)
  const servers: Record<string, unknown> = {}
  for (const era of eras) {
    l7[era] = await startL7Server(era)
    l4[era] = (await toxiproxy?.before(l7[era].port)) ?? (await ownLayer(l7[era].port))
    passes[era] = await startPassThrough(l4[era].port)
    servers[era] = { url: `http://127.0.0.1:${l4[era].port}/mcp` }
  }
  rig = await startRig({ servers, limits: { breakerFailures: 12, breakerOpenMs: 300 } })
  await rig.serves(...eras)
  for (const era of eras) {
    const each = eras.map(async (upstream) => [upstream, await new RawClient(era, `${rig.base}/mcp/${upstream}`).connect()] as const)
    clients[era] = Object.fromEntries(await Promise.all(each))
  }
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  for (const era of eras) {
    await passes[era].stop()
    await l4[era].stop()
    await l7[era].stop()
  }
  await toxiproxy?.stop()
}, 30_000)

async function ownLayer(target: number): Promise<ConnectionLayer> {
  const proxy = await startL4Proxy(target)
  return { port: proxy.port, can: () => true, set: (fault) => proxy.set(fault), stop: () => proxy.stop() }
}

let made = 0
function tagFor(row: string): string {
  made += 1
  return `${row}-${made}`
}

async function recovers(client: RawClient): Promise<number> {
  const begun = performance.now()
  let last: RawAnswer | undefined
  const fine = await eventually(async () => {
    const tag = tagFor('recovery')
    last = await client.call('write', { tag })
    return textOf(last) === tag && faultOf(last) === undefined
  }, recoveryMs)
  expect(fine, last?.text).toBe(true)
  return performance.now() - begun
}

const layer = program === undefined ? '' : ' (toxiproxy)'

describe('a connection that goes wrong', () => {
  for (const client of eras) {
    for (const upstream of eras) {
      test.each(rows.map((row) => [row.id, row.what, row] as const))(`%s %s, ${client} → ${upstream}`, async (id, what, row) => {
        if (!l4[upstream].can(row.fault)) return
        const caller = clients[client][upstream] as RawClient
        const tag = tagFor(id)
        await l4[upstream].set(row.fault)
        let answer = await caller.call('write', { tag })
        // One that the kernel had taken before nobody listened any more may have been written to: what is refused comes after it.
        if (row.fault.kind === 'refuse' && faultOf(answer)?.kind === 'outcome_unknown') answer = await caller.call('write', { tag })
        await l4[upstream].set({ kind: 'none' })
        const recovered = await recovers(caller)
        const executions = l7[upstream].effectsOf(tag)
        const met = { id, fault: what + layer, era: `${client} → ${upstream}`, answer, text: tag, executions, wanted: row.wanted ?? '' }
        const cell = cellOf({ ...met, allowed: row.effect === 'none' ? 0 : 1, recoveryMs: recovered, withinMs: recoveryMs })
        tell(cell)
        expect([verdictOf(cell), answer.text]).toEqual(['kept', answer.text])
        expect(faultOf(answer)?.side_effect).toBe(row.effect)
        await rig.neighbourIsFine()
      })
    }
  }
})

describe('a raw pass-through in the place of the gateway keeps none of these promises', () => {
  test.each(rows.filter((row) => row.passes !== true).map((row) => [row.id, row.what, row] as const))('%s %s', async (id, what, row) => {
    for (const era of eras) {
      if (!l4[era].can(row.fault)) continue
      const direct = await new RawClient(era, passes[era].url).connect()
      const tag = tagFor(id)
      await l4[era].set(row.fault)
      const answer = await direct
        .call('write', { tag }, { sent: (req) => AbortSignal.timeout(2_500).addEventListener('abort', () => req.destroy()) })
        // What cannot be read, or does not come, is no answer.
        .catch((error: unknown) => ({ status: 0, headers: {}, text: String(error), answers: [], events: [], strange: [] }))
      await l4[era].set({ kind: 'none' })
      const met = { id, fault: what, era, answer, text: tag, executions: l7[era].effectsOf(tag), wanted: row.wanted ?? '' }
      expect(verdictOf(cellOf({ ...met, recoveryMs: 0 }))).not.toBe('kept')
    }
  })
})
