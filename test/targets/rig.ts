// A whole gateway in this process with all its doors, whose records the test reads. Requests enter as JSON text, so that keys may be
// doubled, escaped and misplaced.

import { type IncomingMessage, request } from 'node:http'
import { PassThrough } from 'node:stream'
import { openDoors } from '../../src/assembly/doors.ts'
import { assembleInside } from '../../src/assembly/gateway.ts'
import { Outsiders } from '../../src/assembly/outsiders.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import { Deadline } from '../../src/core/call/deadline.ts'
import { anonymous } from '../../src/core/call/principal.ts'
import type { CallRecord } from '../../src/core/call/record.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { createSealer, freshKey } from '../../src/platform/seal/aes-sealer.ts'
import { noAnswers } from '../doubles/admin-parts.ts'
import { noDecisions } from '../doubles/decisions.ts'
import { allSampled } from '../doubles/propagation.ts'
import type { Result } from '../peers/clients.ts'
import { eventually } from '../peers/processes.ts'
import { openSession, send } from '../peers/raw.ts'

export const doorKinds = ['modern http', 'modern stdio', 'legacy http', 'legacy stdio', 'sse'] as const
export type DoorKind = (typeof doorKinds)[number]

/** One request through one door. */
export interface Sent {
  /** The JSON-RPC answer. */
  readonly answer: Result
  readonly records: readonly CallRecord[]
}

export interface Rig {
  /** `params` is JSON text of an object; a modern door adds `_meta`. `named` is `Mcp-Name`, where the door has headers. */
  send(door: DoorKind, method: string, params: string, named?: string): Promise<Sent>
  /** As `send`, for what leaves no record of its own. */
  ask(door: DoorKind, method: string, params: string): Promise<Result>
  stop(): Promise<void>
}

const envelope = `"_meta":${JSON.stringify({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
})}`

/** `mount` is where all doors lead. */
export async function startRig(config: Record<string, unknown>, mount: string): Promise<Rig> {
  const settings = settingsSchema.parse({ listen: '127.0.0.1:0', log: { level: 'silent' }, drain: { graceMs: 500 }, ...config })
  const records: CallRecord[] = []
  const bugs: unknown[] = []
  let recorded = (): void => undefined
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const sealer = createSealer(freshKey(), systemRandom)
  const outsiders = new Outsiders()
  const common = { settings, clock: systemClock, random: systemRandom, report, sealer }
  const inside = assembleInside({
    ...common,
    broken: new Map(),
    recorder: {
      record: (record) => {
        records.push(record)
        recorded()
      },
      bug: (_id, error) => void bugs.push(error),
    },
    replica: 'one',
    decisions: noDecisions,
    challenge: () => undefined,
    outside: outsiders,
    identify: () => ({ principal: anonymous }),
  })
  outsiders.upstreams = inside.upstreams
  const draining = new AbortController()
  const doors = openDoors({
    ...common,
    propagation: allSampled,
    durable: undefined,
    decisions: noDecisions,
    gateway: inside.gateway,
    outsiders,
    draining: draining.signal,
    pages: [],
    ready: () => ({ serving: true, draining: false }),
    admin: noAnswers,
  })
  await inside.catalog.start()
  await Promise.all([...inside.upstreams.values()].map((upstream) => upstream.ready(new AbortController().signal)))
  await eventually(() => !inside.catalog.status().some((one) => one.pending))
  const { port } = await doors.http.listen({ host: '127.0.0.1', port: 0 })
  const base = `http://127.0.0.1:${port}`
  const input = new PassThrough()
  const lines = new Answers()
  const output = new PassThrough()
  output.on('data', (chunk: Buffer) => lines.push(String(chunk)))
  void doors.stdio(input, output, mount)
  input.write(handshake)
  await lines.answer(0)
  const session = await openSession(base, { mount: `/${mount}` })
  const stream = await openStream(`${base}/sse/${mount}`)
  await send(`${base}${stream.path}`, 'POST', handshake)
  await stream.events.answer(0)

  let ids = 0
  const ask = async (door: DoorKind, method: string, params: string, named?: string): Promise<Result> => {
    ids += 1
    const inner = params.trim().slice(1, -1).trim()
    const whole = door.startsWith('modern') ? `{${inner === '' ? '' : `${inner},`}${envelope}}` : params
    const body = `{"jsonrpc":"2.0","id":${ids},"method":${JSON.stringify(method)},"params":${whole}}`
    const mounted = `${base}/mcp/${mount}`
    switch (door) {
      case 'modern http': {
        const headers = {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(named === undefined ? {} : { 'mcp-name': named }),
        }
        return (await send(mounted, 'POST', body, { headers })).message
      }
      case 'legacy http':
        return (await send(mounted, 'POST', body, { headers: session })).message
      case 'sse': {
        const taken = await send(`${base}${stream.path}`, 'POST', body)
        return taken.status === 202 ? stream.events.answer(ids) : taken.message
      }
      default:
        input.write(`${body}\n`)
        return lines.answer(ids)
    }
  }
  return {
    ask,
    send: async (door, method, params, named) => {
      const from = records.length
      const answer = await ask(door, method, params, named)
      // A record is sealed when its answer has left, which may be a moment after we have it.
      while (records.length === from)
        await new Promise<void>((resolve) => {
          recorded = resolve
        })
      if (bugs.length > 0) throw bugs[0]
      return { answer, records: records.slice(from) }
    },
    stop: async () => {
      draining.abort('drain')
      inside.events.drain()
      inside.catalog.stop()
      input.end()
      stream.res.destroy()
      await doors.drain(500)
      const deadline = new Deadline(systemClock, { idleMs: 2_000, totalMs: 2_000 }, () => undefined)
      await Promise.all([...inside.upstreams.values()].map((upstream) => upstream.drain(deadline)))
      deadline.close()
      await inside.close()
    },
  }
}

const handshake = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'rig', version: '1' } },
})}\n`

/** Answers by id, from lines of JSON with or without `data: ` before them. An answer without an id is the next one's. */
class Answers {
  private rest = ''
  private readonly come = new Map<unknown, Result>()
  private look = (): void => undefined

  push(text: string): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      const json = line.startsWith('data: ') ? line.slice(6) : line
      if (!json.startsWith('{')) continue
      const message = JSON.parse(json)
      if (message.method === undefined) this.come.set(message.id ?? 'none', message)
    }
    this.look()
  }

  async answer(id: number): Promise<Result> {
    for (;;) {
      for (const key of [id, 'none']) {
        const found = this.come.get(key)
        if (found === undefined) continue
        this.come.delete(key)
        return found
      }
      await new Promise<void>((resolve) => {
        this.look = resolve
      })
    }
  }
}

async function openStream(url: string): Promise<{ path: string; events: Answers; res: IncomingMessage }> {
  const res = await new Promise<IncomingMessage>((resolve, reject) => {
    const req = request(url, { agent: false, headers: { accept: 'text/event-stream' } }, resolve)
    req.on('error', reject)
    req.end()
  })
  const events = new Answers()
  res.on('error', () => undefined)
  const path = await new Promise<string>((resolve) => {
    let text = ''
    res.on('data', (chunk: Buffer) => {
      text += String(chunk)
      events.push(String(chunk))
      const found = /^data: (\/message\S*)$/m.exec(text)
      if (found?.[1] !== undefined) resolve(found[1])
    })
  })
  return { path, events, res }
}
