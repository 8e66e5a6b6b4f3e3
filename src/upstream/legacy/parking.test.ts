// Parking: a call that waits for its user, over time. The server is a real one of the SDK in the same process; the clock is turned by hand.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { type MemoryWire, memoryDial } from '../../../test/doubles/upstream/memory-wire.ts'
import {
  answerAll,
  asksAll,
  type CallOptions,
  faultKind,
  type Made,
  makeCall,
  makeUpstream,
  questions,
  send,
  start,
  textOf,
} from '../../../test/doubles/upstream/upstream-rig.ts'
import { parkedPerPrincipal, parkLimitMs } from './parked.ts'

let running = 0
let finished: string[] = []
/** The server waits no longer for the answers to its `impatient` questions. */
let patience = new AbortController()
/** The server goes on with what it does beside its `chatty` question. */
let goOn: () => void = () => undefined

function makeServer(): McpServer {
  const server = new McpServer({ name: 'asker', version: '1.0.0' }, { capabilities: { logging: {} } })
  // The SDK's own patience is real time; a minute of it is not what is tested.
  const ask = async (message: string, signal = new AbortController().signal): Promise<string> => {
    running += 1
    try {
      const answer = await server.server.elicitInput(
        { message, requestedSchema: { type: 'object', properties: { word: { type: 'string' } } } },
        { timeout: 60_000, signal },
      )
      return `${message}: ${answer.action} ${String(answer.content?.word)}`
    } catch (error) {
      return `${message}: failed with ${error instanceof Error ? error.message : error}`
    } finally {
      running -= 1
      finished.push(message)
    }
  }
  server.registerTool('ask', { inputSchema: { who: z.string() } }, async ({ who }) => ({
    content: [{ type: 'text', text: await ask(who) }],
  }))
  server.registerTool('impatient', { inputSchema: { who: z.string() } }, async ({ who }) => ({
    content: [{ type: 'text', text: await ask(who, patience.signal) }],
  }))
  server.registerTool('twice', {}, async () => {
    const words = await Promise.all([ask('one'), ask('two')])
    return { content: [{ type: 'text', text: words.join(', ') }] }
  })
  server.registerTool('flood', {}, async () => {
    const words = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(`q${n}`)))
    return { content: [{ type: 'text', text: `${words.filter((word) => word.includes('Too many questions')).length} refused` }] }
  })
  server.registerTool('chatty', {}, async (extra) => {
    await extra.sendNotification({
      method: 'notifications/progress',
      params: { progressToken: extra._meta?.progressToken ?? 0, progress: 1 },
    })
    const word = ask('chat')
    await new Promise<void>((resolve) => {
      goOn = resolve
    })
    await extra.sendNotification({
      method: 'notifications/progress',
      params: { progressToken: extra._meta?.progressToken ?? 0, progress: 2 },
    })
    return { content: [{ type: 'text', text: await word }] }
  })
  server.registerTool('busy', {}, () => {
    running += 1
    return new Promise(() => {})
  })
  server.registerTool('quiet', {}, async () => ({ content: [{ type: 'text', text: 'quiet' }] }))
  return server
}

/** A clock that runs, so that gathering and handshakes pass, and can be turned. */
function setup(options: { readonly settings?: Record<string, unknown>; readonly parked?: number } = {}) {
  running = 0
  finished = []
  patience = new AbortController()
  const dial = memoryDial(makeServer)
  const clock = new ManualClock()
  const made = makeUpstream({
    settings: { command: 'in-process', era: 'legacy', ...options.settings },
    clock,
    wires: dial,
    ...(options.parked === undefined ? {} : { parked: options.parked }),
  })
  return { made, clock, wires: dial.wires }
}

const open: Made[] = []
afterEach(async () => {
  for (const made of open.splice(0)) void made.close()
})

function own(made: Made): Made['upstream'] {
  open.push(made)
  return made.upstream
}

const ask = (who: string, options: CallOptions = {}) =>
  makeCall('tools/call', { name: 'ask', arguments: { who } }, { capabilities: asksAll, principal: who, affinity: who, ...options })

/** Lets real time pass for the peer and turned time for us, until `done`. */
async function until<T>(clock: ManualClock, promise: Promise<T>, stepMs = 11): Promise<T> {
  let settled = false
  void promise.finally(() => {
    settled = true
  })
  for (let i = 0; i < 500 && !settled; i += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(stepMs)
  }
  return promise
}

describe('a parked call', () => {
  test('is resumed by its own answer', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = ask('ann')
    const first = await until(clock, send(upstream, call))
    const second = await until(clock, send(upstream, answerAll(call, first, { action: 'accept', content: { word: 'w' } })))
    expect(textOf(second)).toBe('ann: accept w')
  })

  test('asks what comes together in one round', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = makeCall('tools/call', { name: 'twice', arguments: {} }, { capabilities: asksAll })
    const first = await until(clock, send(upstream, call))
    expect(Object.values(questions(first)).map(({ params }) => params?.message)).toEqual(['one', 'two'])
    const second = await until(clock, send(upstream, answerAll(call, first, { action: 'decline' })))
    expect(textOf(second)).toBe('one: decline undefined, two: decline undefined')
  })

  test('is asked no more than it can hold; the server is told which questions were too many', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = makeCall('tools/call', { name: 'flood', arguments: {} }, { capabilities: asksAll })
    const first = await until(clock, send(upstream, call))
    expect(Object.keys(questions(first))).toHaveLength(64)
    const second = await until(clock, send(upstream, answerAll(call, first, { action: 'decline' })))
    expect(textOf(second)).toBe('36 refused')
    expect(made.report.counts.get('questions_refused up')).toBe(36)
  })

  test('keeps its outcome for the retry where the server gives up first', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = makeCall('tools/call', { name: 'impatient', arguments: { who: 'dee' } }, { capabilities: asksAll })
    const first = await until(clock, send(upstream, call))
    patience.abort('it gives up')
    await expect.poll(() => finished).toEqual(['dee'])
    const late = await until(clock, send(upstream, answerAll(call, first, { action: 'accept', content: { word: 'late' } })))
    expect(textOf(late)).toContain('dee: failed with')
    expect(made.report.counts.get('unclaimed up')).toBeUndefined()
  })

  test('that nobody comes back for ends at its limit and is recorded as unclaimed', async () => {
    const { made, clock, wires } = setup()
    const upstream = own(made)
    const call = ask('eve')
    const first = await until(clock, send(upstream, call))
    await clock.advance(parkLimitMs)
    expect(made.report.counts.get('unclaimed up')).toBe(1)
    expect(made.report.lines.find((line) => line.event.includes('nobody came back'))?.fields).toMatchObject({
      id: call.id,
      run: call.run.id,
      item: 'ask',
      outcome: 'given up',
    })
    // The server is told: its question is refused and its call cancelled.
    expect(sentBy(wires).some((message) => message.method === 'notifications/cancelled')).toBe(true)
    await expect.poll(() => running).toBe(0)
    expect(faultKind(await send(upstream, answerAll(call, first, { action: 'accept' })))).toBe('invalid_continuation')
  })

  test('ends with the credential that its leg was begun with, and the server is told', async () => {
    const { made, clock, wires } = setup()
    const upstream = own(made)
    const expiresAt = clock.now() + 60_000
    const call = ask('kim', { principal: aPrincipal({ expiresAt }) })
    const leg = start(upstream, call, { clock, open: true })
    const first = await until(clock, leg.outcome)
    leg.exchange.close('delivered')
    await clock.advance(expiresAt - clock.now() - 1)
    expect(sentBy(wires).some((message) => message.method === 'notifications/cancelled')).toBe(false)
    await clock.advance(1)
    expect(sentBy(wires).find((message) => message.method === 'notifications/cancelled')).toMatchObject({
      params: { reason: "its caller's credential expired" },
    })
    expect(made.report.counts.get('unclaimed up')).toBe(1)
    expect(faultKind(await send(upstream, answerAll(call, first, { action: 'accept' })))).toBe('invalid_continuation')
    expect(clock.pending).toBeLessThan(3)
  })

  test('is not for the same subject of another tenant, nor is its process', async () => {
    const { made, clock, wires } = setup()
    const upstream = own(made)
    const [acme, globex] = [
      ask('lou', { principal: aPrincipal({ tenant: 'acme' }) }),
      ask('lou', { principal: aPrincipal({ tenant: 'globex' }) }),
    ]
    const first = await until(clock, send(upstream, acme))
    const before = wires.length
    expect((await until(clock, send(upstream, globex))).kind).toBe('input_required')
    expect(wires.length).toBe(before + 1)
    expect(faultKind(await send(upstream, answerAll(globex, first, { action: 'accept', content: { word: 'x' } })))).toBe(
      'invalid_continuation',
    )
    expect(textOf(await until(clock, send(upstream, answerAll(acme, first, { action: 'accept', content: { word: 'mine' } }))))).toContain(
      'mine',
    )
  })

  test('that ended by itself and is never fetched is recorded with its outcome', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = makeCall('tools/call', { name: 'impatient', arguments: { who: 'fay' } }, { capabilities: asksAll })
    await until(clock, send(upstream, call))
    patience.abort('it gives up')
    await expect.poll(() => finished).toEqual(['fay'])
    await clock.advance(parkLimitMs)
    expect(made.report.lines.find((line) => line.event.includes('nobody came back'))?.fields).toMatchObject({ outcome: 'complete' })
  })

  test('is forgotten at once when its caller cancels or never got the question', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    for (const end of ['cancelled', 'client_gone'] as const) {
      const call = ask(`gus-${end}`)
      const leg = start(upstream, call, { clock, open: true })
      const first = await until(clock, leg.outcome)
      if (end === 'cancelled') leg.exchange.end('cancelled')
      else leg.exchange.close('client_gone')
      await expect.poll(() => running).toBe(0)
      expect(faultKind(await send(upstream, answerAll(call, first, { action: 'accept' })))).toBe('invalid_continuation')
    }
    expect(made.report.counts.get('unclaimed up')).toBeUndefined()
  })

  test('belongs to its principal', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = ask('hal')
    const first = await until(clock, send(upstream, call))
    const thief = answerAll(ask('ivy'), first, { action: 'accept', content: { word: 'mine' } })
    expect(faultKind(await send(upstream, thief))).toBe('invalid_continuation')
    const mine = await until(clock, send(upstream, answerAll(call, first, { action: 'cancel' })))
    expect(textOf(mine)).toContain('hal: cancel')
  })

  test('does not let its deadline run, and drops progress that nobody hears', async () => {
    const { made, clock } = setup()
    const upstream = own(made)
    const call = makeCall('tools/call', { name: 'chatty', arguments: {} }, { capabilities: asksAll, progress: true })
    const leg = start(upstream, call, { clock, limits: { idleMs: 5_000, totalMs: 5_000 }, open: true })
    const first = await until(clock, leg.outcome)
    expect(leg.events.map((event) => event.kind)).toEqual(['progress'])
    goOn()
    await expect.poll(() => made.report.counts.get('events_dropped parked')).toBe(1)
    await clock.advance(60_000)
    expect(leg.exchange.signal.aborted).toBe(false)
    const second = await until(clock, send(upstream, answerAll(call, first, { action: 'decline' })))
    expect(textOf(second)).toContain('decline')
  })

  test('is one of 64 of its principal; the next one is told that there is no room', async () => {
    const { made, clock } = setup({ settings: { interactive: 'auto' }, parked: 3 })
    const upstream = own(made)
    const parked = []
    for (const who of ['a', 'b', 'c']) parked.push(await until(clock, send(upstream, ask(who))))
    expect(parked.every((outcome) => outcome.kind === 'input_required')).toBe(true)
    const full = await until(clock, send(upstream, ask('d')))
    expect(textOf(full)).toContain('d: failed with')
    expect(parkedPerPrincipal).toBe(64)
  })

  test('ends with its child, and what happened is unknown', async () => {
    const { made, clock, wires } = setup()
    const upstream = own(made)
    const call = ask('joe')
    const first = await until(clock, send(upstream, call))
    for (const wire of wires) wire.crash()
    const outcome = await until(clock, send(upstream, answerAll(call, first, { action: 'accept' })))
    expect(faultKind(outcome)).toBe('outcome_unknown')
  })
})

describe('whose question is it', () => {
  test('on a shared child two principals never meet: the first clash is refused, then calls take turns', async () => {
    const { made, clock } = setup({ settings: { sharing: 'shared' } })
    const upstream = own(made)
    const clash = await until(clock, Promise.all([send(upstream, ask('ann')), send(upstream, ask('ben'))]))
    // Nobody can tell whose question is whose: neither caller sees one.
    for (const outcome of clash) expect(textOf(outcome)).toMatch(/failed with/)

    const ann = ask('ann')
    const ben = ask('ben')
    const annFirst = await until(clock, send(upstream, ann))
    let benFirst: unknown
    const benLeg = start(upstream, ben, { clock })
    void benLeg.outcome.then((outcome) => {
      benFirst = outcome
    })
    await clock.advance(1_000)
    expect(benFirst).toBeUndefined()
    const annSecond = await until(clock, send(upstream, answerAll(ann, annFirst, { action: 'accept', content: { word: 'A' } })))
    expect(textOf(annSecond)).toBe('ann: accept A')
    const benOutcome = await until(clock, benLeg.outcome)
    expect(Object.values(questions(benOutcome))[0]?.params?.message).toBe('ben')
    const benSecond = await until(clock, send(upstream, answerAll(ben, benOutcome, { action: 'accept', content: { word: 'B' } })))
    expect(textOf(benSecond)).toBe('ben: accept B')
  })

  test('200 interleaved questions of two principals each reach their own', async () => {
    const { made, clock } = setup({ settings: { interactive: 'yes' } })
    const upstream = own(made)
    const outcomes = await until(
      clock,
      Promise.all(
        Array.from({ length: 100 }, (_, i) => i).map(async (i) => {
          const who = i % 2 === 0 ? 'ann' : 'ben'
          const call = makeCall(
            'tools/call',
            { name: 'ask', arguments: { who: `${who}${i}` } },
            { capabilities: asksAll, principal: who, affinity: who },
          )
          const first = await send(upstream, call)
          const asked = Object.values(questions(first))[0]?.params?.message
          const second = await send(upstream, answerAll(call, first, { action: 'accept', content: { word: `${asked}` } }))
          return [`${who}${i}: accept ${who}${i}`, textOf(second)]
        }),
      ),
    )
    for (const [expected, got] of outcomes) expect(got).toBe(expected)
  })

  test('a call that waits for its turn can be cancelled, and the queue is bounded', async () => {
    const { made, clock } = setup({ settings: { interactive: 'yes' } })
    const upstream = own(made)
    const mine = { principal: 'kim', affinity: 'k' }
    const busy = makeCall('tools/call', { name: 'busy', arguments: {} }, { capabilities: asksAll, ...mine })
    const holder = start(upstream, busy, { clock, limits: { idleMs: 60_000, totalMs: 60_000 } })
    await expect.poll(async () => clock.advance(1).then(() => running)).toBe(1)
    const waiting = start(upstream, ask('kim', mine), { clock })
    await clock.advance(20)
    waiting.exchange.end('cancelled')
    expect(faultKind(await waiting.outcome)).toBe('cancelled')
    const many = Array.from(
      { length: 65 },
      () => start(upstream, ask('kim', mine), { clock, limits: { idleMs: 100, totalMs: 100 } }).outcome,
    )
    await clock.advance(200)
    const kinds = (await Promise.all(many)).map(faultKind)
    expect(kinds.filter((kind) => kind === 'overloaded')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'upstream_timeout')).toHaveLength(64)
    holder.exchange.end('cancelled')
    await holder.outcome
  })

  test('callers who can answer nothing do not wait for those who can', async () => {
    const { made, clock } = setup({ settings: { interactive: 'yes' } })
    const upstream = own(made)
    await until(clock, send(upstream, ask('lou')))
    const quiet = makeCall('tools/call', { name: 'quiet', arguments: {} }, { principal: 'lou', affinity: 'other' })
    expect(textOf(await until(clock, send(upstream, quiet)))).toBe('quiet')
  })

  test('`interactive: no` refuses what it promised not to happen', async () => {
    const { made, clock } = setup({ settings: { interactive: 'no' } })
    expect(textOf(await until(clock, send(own(made), ask('mia'))))).toContain('failed with')
  })
})

function sentBy(wires: readonly MemoryWire[]): MemoryWire['sent'] {
  return wires.flatMap((wire) => wire.sent)
}
