// Calls that wait for their user have a connection to themselves, and nobody else has to wait for that user.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { memoryDial } from '../../../test/doubles/upstream/memory-wire.ts'
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

let release: (() => void)[] = []

function makeServer(): McpServer {
  const server = new McpServer({ name: 'asker', version: '1.0.0' })
  const says = (text: string, isError = false) => ({ content: [{ type: 'text' as const, text }], isError })
  const requestedSchema = { type: 'object' as const, properties: { word: { type: 'string' as const } } }
  server.registerTool('ask', { inputSchema: { who: z.string(), slow: z.boolean().optional() } }, async ({ who, slow }) => {
    if (slow === true) await new Promise<void>((resolve) => release.push(resolve))
    return says(`${who} ${(await server.server.elicitInput({ message: who, requestedSchema })).action}`)
  })
  server.registerTool('sample', {}, async () => {
    const { content } = await server.server.createMessage({ messages: [], maxTokens: 1 })
    return says(JSON.stringify(content))
  })
  server.registerTool('look', {}, async () => says(JSON.stringify(await server.server.listRoots())))
  server.registerTool('insist', {}, async () => {
    const { action } = await server.server.elicitInput({ message: 'sure?', requestedSchema })
    return says(action, true)
  })
  return server
}

/** `interactive: auto`: one process is for callers of all kinds, and is told all. */
function setup(interactive = 'yes') {
  release = []
  const dial = memoryDial(makeServer)
  const clock = new ManualClock()
  const made = makeUpstream({ settings: { command: 'in-process', era: 'legacy', interactive }, clock, wires: dial })
  open.push(made)
  return { upstream: made.upstream, clock, wires: dial.wires }
}

const open: Made[] = []
afterEach(() => {
  for (const made of open.splice(0)) void made.close()
})

const mine = { capabilities: asksAll, principal: 'ann' } as const
const ask = (who: string, slow = false) => makeCall('tools/call', { name: 'ask', arguments: { who, slow } }, mine)
const plain = (name: string, capabilities: CallOptions['capabilities']) =>
  makeCall('tools/call', { name, arguments: {} }, { principal: 'ann', ...(capabilities === undefined ? {} : { capabilities }) })

async function until<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let settled = false
  void promise.finally(() => {
    settled = true
  })
  for (let i = 0; i < 500 && !settled; i += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(11)
  }
  return promise
}

describe('a call that waits for its user', () => {
  test('has its connection to itself, and the next call of the same principal gets another', async () => {
    const { upstream, clock, wires } = setup()
    const first = ask('one')
    const asked = await until(clock, send(upstream, first))
    const before = wires.length
    const second = ask('two')
    const alsoAsked = await until(clock, send(upstream, second))
    expect(Object.values(questions(alsoAsked))[0]?.params?.message).toBe('two')
    expect(wires.length).toBe(before + 1)
    expect(textOf(await until(clock, send(upstream, answerAll(first, asked, { action: 'decline' }))))).toBe('one decline')
    expect(textOf(await until(clock, send(upstream, answerAll(second, alsoAsked, { action: 'accept', content: {} }))))).toBe('two accept')
  })

  test('gives its connection back when it is answered', async () => {
    const { upstream, clock, wires } = setup()
    for (let i = 0; i < 5; i += 1) {
      const call = ask(`round ${i}`)
      const asked = await until(clock, send(upstream, call))
      await until(clock, send(upstream, answerAll(call, asked, { action: 'cancel' })))
    }
    // One for lists and one for the principal.
    expect(wires.length).toBe(2)
  })

  test('frees those who queued behind it', async () => {
    const { upstream, clock } = setup()
    const holder = start(upstream, ask('holder', true), { clock })
    await expect.poll(async () => clock.advance(11).then(() => release.length)).toBe(1)
    const queued = start(upstream, ask('queued'), { clock })
    await clock.advance(11)
    release[0]?.()
    await until(clock, holder.outcome)
    expect(Object.values(questions(await until(clock, queued.outcome)))[0]?.params?.message).toBe('queued')
  })

  test('is one of eight; who comes after them waits for the first that is done', async () => {
    const { upstream, clock, wires } = setup()
    const parked = []
    for (let i = 0; i < 8; i += 1) {
      const call = ask(`${i}`)
      parked.push({ call, asked: await until(clock, send(upstream, call)) })
    }
    const late = start(upstream, ask('late'), { clock, limits: { idleMs: 600_000, totalMs: 600_000 } })
    let done = false
    void late.outcome.then(() => {
      done = true
    })
    await clock.advance(5_000)
    expect(done).toBe(false)
    expect(wires.length).toBe(9)
    for (const { call, asked } of parked) await until(clock, send(upstream, answerAll(call, asked, { action: 'cancel' })))
    expect(Object.values(questions(await until(clock, late.outcome)))[0]?.params?.message).toBe('late')
  })
})

describe('a caller who cannot be asked, at a server that was told of all that clients can be asked', () => {
  test('has the server hear the error of a client that is connected directly', async () => {
    const { upstream, clock } = setup('auto')
    const refused = async (name: string, capabilities: CallOptions['capabilities']): Promise<string | undefined> => {
      const call = plain(name, capabilities)
      const arrival = { transport: 'http' as const, revision: '2025-11-25' }
      return textOf(await until(clock, send(upstream, { ...call, caller: { ...call.caller, arrival } })))
    }
    expect(await refused('insist', {})).toContain('-32601: Client does not support elicitation')
    expect(await refused('look', {})).toContain('-32601: Client does not support roots')
    expect(await refused('sample', {})).toContain('-32601: Client does not support sampling')
    expect(await refused('insist', { elicitation: { url: {} } })).toContain('-32602: Client does not support form-mode elicitation')
  })

  test('hears which capability a call failed for', async () => {
    const { upstream, clock } = setup('auto')
    const outcome = await until(clock, send(upstream, plain('sample', { elicitation: {} })))
    expect(faultKind(outcome)).toBe('missing_capability')
    expect(outcome).toMatchObject({ fault: { sideEffect: 'unknown', detail: { requiredCapabilities: { sampling: {} } } } })
    const insisted = await until(clock, send(upstream, plain('insist', { elicitation: { url: {} } })))
    expect(insisted).toMatchObject({ fault: { detail: { requiredCapabilities: { elicitation: { form: {} } } } } })
  })

  test('of a revision without that error hears the server’s own words', async () => {
    const { upstream, clock } = setup('auto')
    const call = plain('sample', {})
    const old = { ...call, caller: { ...call.caller, arrival: { transport: 'http' as const, revision: '2025-11-25' } } }
    expect(textOf(await until(clock, send(upstream, old)))).toContain('Client does not support sampling')
  })
})
