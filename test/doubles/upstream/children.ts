// Real children for the tests of the stdio wire: servers that misbehave in one way each, and a harness that opens a wire to them.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Fault } from '../../../src/core/faults/fault.ts'
import { requestBytes } from '../../../src/core/protocol/jsonrpc.ts'
import { systemClock } from '../../../src/platform/clock/system-clock.ts'
import { openStdioWire, StdioWire, type StdioWireOptions } from '../../../src/upstream/stdio/wire.ts'
import { RequestIds } from '../../../src/upstream/wire/ids.ts'
import type { IncomingNotification, IncomingRequest, WireAnomaly, WireAnswer } from '../../../src/upstream/wire/wire.ts'

/** Runs before each script: `say(text)` writes raw text, `answer(id, result)` a line, `on(handler)` gets each message that comes in. */
const prelude = `
const say = (text) => process.stdout.write(text)
const line = (id, result = {}) => JSON.stringify({ result, jsonrpc: '2.0', id }) + '\\n'
const answer = (id, result) => say(line(id, result))
const on = (handler) => {
  let rest = ''
  process.stdin.on('data', (chunk) => {
    rest += chunk
    for (let end; (end = rest.indexOf('\\n')) >= 0; rest = rest.slice(end + 1)) handler(JSON.parse(rest.slice(0, end)))
  })
}
`

export interface Opened {
  readonly wire: StdioWire
  readonly strays: (IncomingRequest | IncomingNotification)[]
  readonly anomalies: [WireAnomaly, string][]
  readonly ends: Fault[]
  readonly logs: string[]
  readonly refused: () => number
  /** Sends `method` and gives the answer; `signal` and `maxBytes` as in WireRequest. */
  ask(method: string, params?: unknown, signal?: AbortSignal, maxBytes?: number): Promise<WireAnswer>
  /** Resolves with the fault of the wire's own end. */
  readonly ended: Promise<Fault>
}

const alive = new Set<StdioWire>()

/** For afterEach. */
export async function closeAll(): Promise<void> {
  await Promise.all([...alive].map((wire) => wire.close()))
  alive.clear()
}

/** Opens a wire to a child that runs a script in node. */
export function openScript(script: string, change: Partial<StdioWireOptions> = {}): Promise<Opened> {
  return openCommand(process.execPath, ['-e', prelude + script], change)
}

export async function openCommand(command: string, args: readonly string[], change: Partial<StdioWireOptions> = {}): Promise<Opened> {
  const logs: string[] = []
  let refused = 0
  const opened = await openStdioWire({
    upstream: 'odd',
    command,
    args,
    env: {},
    cwd: undefined,
    maxMessageBytes: 64 * 1024 * 1024,
    ids: new RequestIds(0),
    clock: systemClock,
    report: {
      log: (_, event) => void logs.push(event),
      counters: {
        add: (name) => {
          if (name === 'calls_refused') refused += 1
        },
      },
    },
    graceMs: 150,
    ...change,
  })
  if (!(opened instanceof StdioWire)) throw new Error(opened.message)
  const wire = opened
  alive.add(wire)
  const found: Omit<Opened, 'ended' | 'ask'> = { wire, strays: [], anomalies: [], ends: [], logs, refused: () => refused }
  wire.onStray = (message) => void found.strays.push(message)
  wire.onAnomaly = (type, detail) => void found.anomalies.push([type, detail])
  const ended = new Promise<Fault>((resolve) => {
    wire.onEnd = (fault) => {
      found.ends.push(fault)
      resolve(fault)
    }
  })
  const ask: Opened['ask'] = (method, params, signal = new AbortController().signal, maxBytes = 8 * 1024 * 1024) => {
    const id = wire.nextId()
    const message = requestBytes(id, method, params === undefined ? undefined : Buffer.from(JSON.stringify(params)))
    return wire.request({ id, method, message, headers: {}, signal, onMessage: () => undefined, maxBytes })
  }
  return { ...found, ended, ask }
}

/** The result of an answer, parsed. */
export function resultOf(answer: WireAnswer): unknown {
  if (answer.kind !== 'answer' || answer.answer.kind !== 'result') throw new Error(`no result: ${JSON.stringify(answer)}`)
  return answer.answer.result.json()
}

/** The fault of a lost request. */
export function faultOf(answer: WireAnswer): Fault {
  if (answer.kind !== 'lost') throw new Error(`not lost: ${JSON.stringify(answer)}`)
  return answer.fault
}

/** The entry of an installed reference server. */
export function serverEntry(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> }
  const [entry] = Object.values(bin)
  if (entry === undefined) throw new Error(`${name} has no command`)
  return join(dirname(manifest), entry)
}

/** Live processes whose command line holds the mark; zombies have none. */
export function running(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Direct children of a process whose command line holds the mark. */
export function childrenOf(parent: number, mark: string): number[] {
  return running(mark).filter((pid) => {
    try {
      return new RegExp(`^PPid:\\s${parent}$`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    } catch {
      return false
    }
  })
}

/** Polls a condition of the operating system, which has no event for it. */
export async function until(holds: () => boolean, withinMs = 5_000): Promise<void> {
  const started = performance.now()
  while (!holds()) {
    if (performance.now() - started > withinMs) throw new Error(`not within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
