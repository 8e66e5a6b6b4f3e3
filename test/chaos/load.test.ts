// Rows of load (X): many sessions at once, and a mix of faults by seeded chance over many calls. CHAOS_LONG makes them as long as the
// catalogue says.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { l7Faults as faults, type L7Fault } from '../../src/operate/toolkit/chaos/index.ts'
import { eventually } from '../peers/processes.ts'
import { promise } from '../promises/promise.ts'
import { type L7Server, startL7Server } from './l7-server.ts'
import { faultOf, RawClient, type RawEra, textOf } from './raw-client.ts'
import { type Rig, startRig } from './rig.ts'
import { type Cell, cellOf, shown, tell, verdictOf } from './table.ts'

const eras = ['modern', 'legacy'] as const
const long = process.env.CHAOS_LONG !== undefined
const recoveryMs = 8_000
const l7 = {} as Record<RawEra, L7Server>
let rig: Rig

beforeAll(async () => {
  const servers: Record<string, unknown> = {}
  for (const era of eras) {
    l7[era] = await startL7Server(era)
    servers[era] = { url: l7[era].url }
  }
  // So many sessions begin at once that what is short for one call is too short for all of them.
  servers.many = { url: l7.legacy.url, timeouts: { call: 20_000, maximum: 30_000 } }
  rig = await startRig({ servers, sessions: { idleMs: 2_000 }, limits: { breakerFailures: 20, breakerOpenMs: 200, queue: 200 } })
  await rig.serves(...eras, 'many')
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  for (const era of eras) await l7[era].stop()
}, 40_000)

test('X05 many idle sessions beside active ones: a bounded price each, and the idle ones end', async () => {
  const [idle, active] = long ? [1_000, 100] : [200, 20]
  const before = await rig.vitals()
  const open = async (count: number): Promise<RawClient[]> => {
    const all: RawClient[] = []
    for (let n = 0; n < count; n += 20)
      all.push(...(await Promise.all(Array.from({ length: 20 }, () => new RawClient('legacy', `${rig.base}/mcp/many`).connect()))))
    return all
  }
  const sleeping = await open(idle)
  const after = await rig.vitals()
  expect((after.heapBytes - before.heapBytes) / idle).toBeLessThan(64 * 1_024)
  const working = await open(active)
  await Promise.all(
    working.map(async (client, who) => {
      for (let n = 0; n < 10; n += 1) {
        const tag = `X05-${who}-${n}`
        const answer = await client.call('write', { tag })
        if (n === 9 && who === 0)
          tell(
            cellOf({
              id: 'X05',
              fault: `${active} active sessions beside ${idle} idle ones`,
              era: 'legacy → legacy',
              answer,
              text: tag,
              executions: l7.legacy.effectsOf(tag),
            }),
          )
        expect(textOf(answer), answer.text).toBe(tag)
        expect(l7.legacy.effectsOf(tag)).toBe(1)
      }
    }),
  )
  const first = sleeping[0] as RawClient
  // Asked seldom, since each question makes it one that is not idle.
  const { session } = first
  expect(session).toBeTruthy()
  expect(await eventually(async () => (await rig.evidence()).sum('signalbox_sessions', { transport: 'http' }) <= 1, 20_000)).toBe(true)
  expect((await first.call('write', { tag: 'X05-late' })).status).toBe(404)
  expect(l7.legacy.effectsOf('X05-late')).toBe(0)
  shown('X05', `${idle} idle sessions end after their time`, 'legacy → legacy')
}, 60_000)

/** A hundredth of the calls each. */
const mixed: readonly L7Fault[] = [
  faults.status(503, '', 'text/plain', { 'retry-after': '0' }),
  faults.resetEarly,
  faults.halfThenCut,
  faults.foreignId(() => 424_242),
  faults.silence,
]

promise(
  'R104',
  'X10 a twentieth of the calls fails in mixed ways: each has one answer, nothing is executed twice, all is well after',
  async () => {
    const calls = long ? 20_000 : 600
    const rules = eras.flatMap((era) =>
      mixed.map((fault, at) => {
        const rule = { method: 'tools/call', probability: 0.01, seed: at + (era === 'modern' ? 100 : 200), fault }
        l7[era].proxy.rules.add(rule)
        return { era, rule }
      }),
    )
    const cells: Cell[] = []
    let next = 0
    const work = async (client: RawEra, upstream: RawEra): Promise<void> => {
      const raw = new RawClient(client, `${rig.base}/mcp/${upstream}`)
      await raw.connect()
      for (let n = next++; n < calls; n = next++) {
        const tool = n % 3 === 0 ? 'read' : 'write'
        const tag = `X10-${n}`
        const answer = await raw.call(tool, { tag })
        const kind = faultOf(answer)?.kind ?? ''
        const met = { id: 'X10', fault: 'a twentieth fails', era: `${client} → ${upstream}`, answer, text: tag, wanted: kind }
        cells.push(cellOf({ ...met, executions: l7[upstream].effectsOf(tag), allowed: tool === 'read' ? 3 : 1 }))
      }
      await raw.close()
    }
    await Promise.all(eras.flatMap((client) => eras.flatMap((upstream) => [0, 1, 2].map(() => work(client, upstream)))))
    for (const { era, rule } of rules) l7[era].proxy.rules.remove(rule)
    expect(cells).toHaveLength(calls)
    expect(cells.filter((cell) => verdictOf(cell) !== 'kept')).toEqual([])
    const failed = cells.filter(({ kind }) => kind !== '')
    expect(failed.length).toBeGreaterThan(calls / 100)
    expect(failed.length).toBeLessThan(calls / 5)
    for (const client of eras) {
      for (const upstream of eras) {
        const begun = performance.now()
        const raw = await new RawClient(client, `${rig.base}/mcp/${upstream}`).connect()
        expect(await eventually(async () => textOf(await raw.call('write', { tag: 'back' })) === 'back', recoveryMs)).toBe(true)
        await raw.close()
        const own = cells.filter(({ era }) => era === `${client} → ${upstream}`)
        const most = Math.max(...own.filter(({ allowed }) => allowed === 1).map(({ executions }) => executions))
        const fault = `${own.length} calls, ${own.filter(({ kind }) => kind !== '').length} of them told of a fault`
        shown('X10', fault, `${client} → ${upstream}`, {
          executions: most,
          allowed: 1,
          recoveryMs: performance.now() - begun,
          withinMs: recoveryMs,
        })
      }
    }
    await rig.neighbourIsFine()
  },
  long ? 900_000 : 60_000,
)
