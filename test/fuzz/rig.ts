// The gateway under the fuzzer: the real doors, stages and exits in this process, with all that it says of itself kept for the judge.

import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { createContractJudge } from '../../src/assembly/contracts.ts'
import { openDoors } from '../../src/assembly/doors.ts'
import { assembleInside } from '../../src/assembly/gateway.ts'
import { Outsiders } from '../../src/assembly/outsiders.ts'
import { assembleRegistry } from '../../src/assembly/registry.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import { createDurable } from '../../src/assembly/stores.ts'
import { Deadline } from '../../src/core/call/deadline.ts'
import { anonymous } from '../../src/core/call/principal.ts'
import type { CallRecord } from '../../src/core/call/record.ts'
import type { Clock } from '../../src/core/ports/clock.ts'
import type { Gateway } from '../../src/core/ports/gateway.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { createSealer, freshKey } from '../../src/platform/seal/aes-sealer.ts'
import { noAnswers } from '../doubles/admin-parts.ts'
import { noDecisions } from '../doubles/decisions.ts'
import { allSampled } from '../doubles/propagation.ts'
import { eventually } from '../peers/processes.ts'
import { startHostileHttp } from './hostile-http.ts'

/** The hostile servers, by their names in the gateway. */
export const targets = ['child-legacy', 'child-modern', 'http-legacy', 'http-modern', 'sse'] as const
export type Target = (typeof targets)[number]

export interface Rig {
  readonly base: string
  /** A client of the stdio door; what the gateway writes comes by line. */
  readonly stdio: { write(text: string): void; onLine: (line: string) => void }
  readonly records: CallRecord[]
  readonly counted: Map<string, number>
  readonly logged: { severity: string; event: string; fields: Readonly<Record<string, unknown>> }[]
  /** Methods of the calls that were begun since the last look, by id. */
  readonly begun: Map<string, string>
  /** What of the gateway is not at rest; undefined where all is. */
  unrest(): string | undefined
  /** Bugs of the gateway that were caught or not caught at all. */
  bugs(): readonly string[]
  /** What is open at the doors now is meant to stay open. */
  settle(): void
  /** Ends every wait of minutes: for users who never answer. */
  endLongWaits(): void
  forget(): void
  stop(): Promise<void>
}

const longMs = 500_000
const here = new URL('.', import.meta.url).pathname

export async function startRig(): Promise<Rig> {
  const servers = await Promise.all([
    startHostileHttp('legacy'),
    startHostileHttp('modern'),
    startHostileHttp('sse'),
    startHostileHttp('modern'),
  ])
  const [legacy, modern, sse, bystander] = servers.map((server) => server.url)
  const child = (era: 'legacy' | 'modern') => ({ command: process.execPath, args: [join(here, 'hostile-child.mjs'), era], era })
  const settings = settingsSchema.parse({
    listen: '127.0.0.1:0',
    log: { level: 'silent' },
    drain: { graceMs: 300 },
    timeouts: { call: 3_000, maximum: 6_000, start: 10_000, connect: 2_000, probe: 2_000 },
    limits: { breakerFailures: 1_000_000_000 },
    servers: {
      'child-legacy': child('legacy'),
      'child-modern': child('modern'),
      'http-legacy': { url: legacy, era: 'legacy' },
      'http-modern': { url: modern, era: 'modern' },
      sse: { url: sse, transport: 'sse', era: 'legacy' },
      bystander: { url: bystander, era: 'modern' },
    },
  })
  const records: CallRecord[] = []
  const counted = new Map<string, number>()
  const logged: Rig['logged'] = []
  const bugs: string[] = []
  const begun = new Map<string, string>()
  const longWaits = new Set<() => void>()
  const clock: Clock = {
    now: () => systemClock.now(),
    mono: () => systemClock.mono(),
    timer: (ms, work) => {
      if (ms < longMs) return systemClock.timer(ms, work)
      longWaits.add(work)
      return { cancel: () => void longWaits.delete(work) }
    },
  }
  const report = {
    log: (severity: string, event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      logged.push({ severity, event, fields })
      if (/\bbug\b/i.test(event)) bugs.push(`${event}: ${String(fields.stack)}`)
    },
    counters: { add: (name: string, _labels: unknown, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by) },
  }
  const sealer = createSealer(freshKey(), systemRandom)
  const outside = new Outsiders()
  const tools = assembleRegistry({
    ...{
      settings,
      lock: undefined,
      judge: createContractJudge(clock),
      durable: createDurable({ stores: { durable: 'sqlite' } }, clock, report),
    },
    ...{ clock, report, decisions: noDecisions },
  })
  const inside = assembleInside({
    settings,
    registry: tools.registry,
    broken: new Map(),
    clock,
    random: systemRandom,
    report,
    sealer,
    recorder: {
      record: (record) => void records.push(record),
      bug: ({ id }, error) => void bugs.push(`${id} ${String((error as Error).stack ?? error)}`),
    },
    replica: 'one',
    decisions: noDecisions,
    challenge: () => undefined,
    outside,
    identify: () => ({ principal: anonymous }),
  })
  outside.upstreams = inside.upstreams
  const gateway: Gateway = {
    ...inside.gateway,
    handle: (call, exchange) => {
      // A listen of a session lasts as long as it does.
      if (call.family !== 'listen') begun.set(call.id, call.method)
      return inside.gateway.handle(call, exchange)
    },
  }
  const draining = new AbortController()
  const doors = openDoors({
    settings,
    gateway,
    clock,
    random: systemRandom,
    propagation: allSampled,
    sealer,
    durable: undefined,
    decisions: noDecisions,
    report,
    outsiders: outside,
    draining: draining.signal,
    pages: [],
    ready: () => ({ serving: true, draining: false }),
    admin: { ...noAnswers, maintenance: inside.maintenance, budgets: inside.limits, tools: tools.operators },
  })
  let open0 = 0
  const uncaught = (error: unknown): void => void bugs.push(`not caught: ${String((error as Error)?.stack ?? error)}`)
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  await inside.catalog.start()
  const { port } = await doors.http.listen({ host: '127.0.0.1', port: 0 })
  const input = new PassThrough()
  const output = new PassThrough()
  const stdio: Rig['stdio'] = { write: (text) => void input.write(Buffer.from(text, 'latin1')), onLine: () => undefined }
  lines(output, (line) => stdio.onLine(line))
  const served = doors.stdio(input, output, '')
  const isReady = (): boolean => inside.catalog.status().every((one) => one.state === 'ready' && !one.pending)
  if (!(await eventually(isReady, 20_000))) throw new Error(JSON.stringify(inside.catalog.status()))
  return {
    base: `http://127.0.0.1:${port}`,
    stdio,
    records,
    counted,
    logged,
    begun,
    bugs: () => bugs,
    unrest: () => {
      const recorded = new Set(records.map(({ id }) => id))
      const open = [...begun].filter(([id]) => !recorded.has(id)).map(([, method]) => method)
      if (open.length > 0) return `calls without a record: ${open.join(', ')}`
      for (const [id, upstream] of inside.upstreams) {
        const { inFlight } = upstream.health()
        if (inFlight > 0) return `${inFlight} in flight at ${id}`
      }
      for (const { upstream, inFlight, queued } of inside.resilience.gauges()) {
        if (inFlight + queued > 0) return `${inFlight} in place and ${queued} queued at ${upstream}`
      }
      const { calls, requests, streams } = doors.http.gauges()
      return calls + requests + streams > open0 ? `${requests} requests, ${calls} calls and ${streams} streams at the door` : undefined
    },
    settle: () => {
      const { calls, requests, streams } = doors.http.gauges()
      open0 = calls + requests + streams
    },
    endLongWaits: () => {
      for (const work of [...longWaits]) {
        longWaits.delete(work)
        work()
      }
    },
    forget: () => {
      records.length = 0
      logged.length = 0
      bugs.length = 0
      begun.clear()
    },
    stop: async () => {
      input.end()
      draining.abort('drain')
      inside.events.drain()
      inside.catalog.stop()
      await Promise.all([doors.drain(300), served])
      const deadline = new Deadline(systemClock, { idleMs: 2_000, totalMs: 2_000 }, () => undefined)
      await Promise.all([...inside.upstreams.values()].map((upstream) => upstream.drain(deadline)))
      deadline.close()
      await inside.close()
      await Promise.all(servers.map((server) => server.close()))
      process.off('uncaughtException', uncaught)
      process.off('unhandledRejection', uncaught)
    },
  }
}

function lines(stream: PassThrough, on: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('latin1')
  stream.on('data', (chunk: string) => {
    const found = (rest + chunk).split('\n')
    rest = found.pop() ?? ''
    for (const line of found) on(line)
  })
}
