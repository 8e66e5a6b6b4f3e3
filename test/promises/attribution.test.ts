// Whose question is it, and whose answer: many callers at once on every feature that asks back. scripts/crosstalk.mjs is the long form.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientKind, connect, type TestClient } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type InsideUnderTest, type Leg, startInside } from '../peers/inside.ts'
import { eventually } from '../peers/processes.ts'
import { everything, fixtureStdio, type Started, startFixture } from '../peers/servers.ts'
import { promise } from './promise.ts'

/** Clients of one gateway: each kind that can share it. */
const kinds: readonly ClientKind[] = ['v1 http', 'v1 sse', 'v2 legacy http', 'v2 modern http']
const servers = ['pipe', 'web', 'new'] as const

describe('many clients at once, on one shared process and over HTTP', () => {
  let started: Started
  let gateway: UnderTest
  let clients: { client: TestClient; name: string; strange: string[] }[]

  beforeAll(async () => {
    started = await startFixture()
    const url = `http://127.0.0.1:${started.port}/mcp`
    gateway = await startUnderTest({
      servers: {
        pipe: { ...fixtureStdio('legacy'), interactive: 'yes' },
        web: { url, era: 'legacy' },
        new: { url, era: 'modern' },
      },
      limits: { queue: 500 },
    })
    clients = await Promise.all(Array.from({ length: 20 }, (_, at) => open(kinds[at % kinds.length] ?? 'v1 http', `client-${at}`)))
  })
  afterAll(async () => {
    await Promise.all((clients ?? []).map(({ client }) => client.close().catch(() => undefined)))
    await gateway?.stop()
    await started?.stop()
  })

  /** A client that answers with its own name and notes each question that is not its own. */
  async function open(kind: ClientKind, name: string): Promise<(typeof clients)[number]> {
    const strange: string[] = []
    const mine = (asked: unknown): void => {
      const text = JSON.stringify(asked)
      if (text.includes('for client-') && !text.includes(`for ${name} `)) strange.push(text)
    }
    const client = await connect(
      kind,
      { base: gateway.base },
      {
        elicit: (params) => {
          mine(params)
          const { properties = {} } = params.requestedSchema as { properties?: Record<string, unknown> }
          return { action: 'accept', content: Object.fromEntries(Object.keys(properties).map((key) => [key, `by ${name}`])) }
        },
        sample: (params) => {
          mine(params)
          return { role: 'assistant', model: 'm', content: { type: 'text', text: `by ${name}` } }
        },
        roots: () => [{ uri: `file:///by ${name}`, name }],
      },
      name,
    )
    return { client, name, strange }
  }

  const questions: readonly ((name: string, n: number) => { tool: string; args: Record<string, unknown> })[] = [
    (name, n) => ({ tool: 'test_elicitation', args: { message: `for ${name} ${n}` } }),
    (name, n) => ({ tool: 'test_sampling', args: { prompt: `for ${name} ${n}` } }),
    () => ({ tool: 'test_input_required_result_list_roots', args: {} }),
    () => ({ tool: 'test_input_required_result_multi_round', args: {} }),
    () => ({ tool: 'test_input_required_result_multiple_inputs', args: {} }),
  ]

  promise(
    'R35',
    'each of 300 interleaved questions of every kind is answered by the caller who caused it',
    async () => {
      await Promise.all(
        clients.map(async ({ client, name }) => {
          const asked = questions.flatMap((question, n) => servers.map((server) => ({ server, ...question(name, n) })))
          await Promise.all(
            asked.map(async ({ server, tool, args }) => {
              const result = await client.call(`${server}__${tool}`, args)
              const text = JSON.stringify(result)
              expect({ name, server, tool, text, isError: result.isError ?? false }).toMatchObject({
                text: expect.stringContaining(`by ${name}`),
                isError: false,
              })
              expect(text.match(/by client-\d+/g)?.every((by) => by === `by ${name}`)).toBe(true)
            }),
          )
        }),
      )
      for (const { strange } of clients) expect(strange).toEqual([])
    },
    60_000,
  )

  test('20 clients with equal JSON-RPC ids and tagged payloads get their own answers', async () => {
    const wrong: string[] = []
    await Promise.all(
      clients.map(async ({ client, name }) => {
        for (let n = 0; n < 10; n += 1) {
          await Promise.all(
            servers.map(async (server) => {
              const tag = `${name}-${server}-${n}`
              const text = (await client.call(`${server}__test_int64`, { big: tag })).content[0].text
              if (text !== `seen ${tag}`) wrong.push(`${tag}: ${text}`)
            }),
          )
        }
      }),
    )
    expect(wrong).toEqual([])
  }, 60_000)

  test('a requestState that was altered, used before or brought with other arguments is refused over HTTP', async () => {
    const leg = async (args: unknown, more: Record<string, unknown> = {}) => {
      const response = await fetch(`${gateway.base}/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'pipe__test_elicitation',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: 'pipe__test_elicitation',
            arguments: args,
            ...more,
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
            },
          },
        }),
      })
      return (await response.json()) as { result?: Record<string, never>; error?: { code: number; message: string } }
    }
    const args = { message: 'hello' }
    const state = String((await leg(args)).result?.requestState)
    const inputResponses = { q1: { action: 'accept', content: { response: 'mine' } } }
    const refused = async (brought: string, with_: unknown): Promise<void> => {
      expect((await leg(with_, { inputResponses, requestState: brought })).error?.code).toBe(-32_602)
    }
    await refused(`${state.slice(0, -2)}${state.endsWith('AA') ? 'BB' : 'AA'}`, args)
    await refused(state, { message: 'changed' })
    expect(JSON.stringify(await leg(args, { inputResponses, requestState: state }))).toContain('mine')
    await refused(state, args)
  })
})

describe('two principals at once', () => {
  let inside: InsideUnderTest

  beforeAll(async () => {
    inside = await startInside({ servers: { everything, fixture: fixtureStdio('legacy') } })
  })
  afterAll(() => inside?.stop())

  /** Answers for one principal. */
  function responses(requests: Record<string, { method: string; params?: { mode?: string } }>, sub: string): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(requests).map(([key, { method, params }]) => {
        if (method === 'sampling/createMessage')
          return [key, { role: 'assistant', model: 'm', content: { type: 'text', text: `by ${sub}` } }]
        if (method === 'roots/list') return [key, { roots: [{ uri: `file:///by-${sub}` }] }]
        return [key, params?.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name: `by ${sub}` } }]
      }),
    )
  }

  /** A call through all its legs. */
  async function whole(sub: string, tool: string, args: Record<string, unknown> = {}): Promise<string> {
    let leg = await inside.call(sub, tool, args)
    while (leg.outcome.kind === 'input_required') leg = await inside.call(sub, tool, args, answered(leg, sub))
    if (leg.outcome.kind !== 'complete') throw new Error(JSON.stringify(leg.outcome))
    return JSON.stringify(leg.outcome.result.json())
  }

  function answered({ outcome }: Leg, sub: string): Record<string, unknown> {
    if (outcome.kind !== 'input_required') throw new Error(outcome.kind)
    const { inputRequests } = outcome.requests.json() as { inputRequests: Parameters<typeof responses>[0] }
    return { inputResponses: responses(inputRequests, sub), requestState: outcome.sealed }
  }

  const features: readonly [tool: string, args: Record<string, unknown>, tells: (sub: string) => string][] = [
    ['everything__trigger-elicitation-request', {}, (sub) => `by ${sub}`],
    ['everything__trigger-url-elicitation', { url: 'https://example.com/x', message: 'open' }, () => 'accept'],
    ['everything__trigger-sampling-request', { prompt: 'hi', maxTokens: 5 }, (sub) => `by ${sub}`],
    ['fixture__test_input_required_result_list_roots', {}, (sub) => `file:///by-${sub}`],
    ['fixture__test_input_required_result_multi_round', {}, (sub) => `by ${sub}`],
  ]

  test('each of 100 interleaved questions on every feature that asks back is answered by its own principal', async () => {
    const people = ['alice', 'bob']
    await Promise.all(
      people.map(async (sub) => {
        for (let round = 0; round < 10; round += 1)
          for (const [tool, args, tells] of features) {
            const text = await whole(sub, tool, args)
            expect(text.toLowerCase()).toContain(tells(sub))
            expect(text).not.toContain(people.find((other) => other !== sub))
          }
      }),
    )
  }, 60_000)

  test('log messages reach the principal whose call they belong to, all of them and nobody else', async () => {
    await Promise.all(
      ['alice', 'bob'].map(async (sub) => {
        for (let n = 0; n < 5; n += 1) {
          const { events } = await inside.call(sub, 'fixture__test_log_levels')
          expect(events.filter((event) => event.kind === 'log').map((event) => event.level)).toEqual(['debug', 'info', 'warning', 'error'])
        }
      }),
    )
  })

  const asking = 'everything__trigger-elicitation-request'
  const reasonOf = ({ outcome }: Leg): string => (outcome.kind === 'fault' ? outcome.fault.message : outcome.kind)

  test("another principal's requestState is worth nothing, and the call still waits for its own", async () => {
    const first = await inside.call('alice', asking)
    expect(reasonOf(await inside.call('bob', asking, {}, answered(first, 'bob')))).toMatch(/another caller/)
    const last = await inside.call('alice', asking, {}, answered(first, 'alice'))
    expect(JSON.stringify(last.outcome.kind === 'complete' && last.outcome.result.json())).toContain('by alice')
    expect(inside.records.findLast(({ outcome }) => outcome === 'complete')?.parkedMs).toBeGreaterThan(0)
    expect(inside.records.find(({ outcome }) => outcome === 'input_required')?.parkedMs).toBeUndefined()
    expect(reasonOf(await inside.call('alice', asking, {}, answered(first, 'alice')))).toMatch(/used already|waits no longer/)
  })

  test('an altered one, one with other arguments and one that is too old are refused', async () => {
    const first = await inside.call('alice', asking)
    const more = answered(first, 'alice')
    const state = String(more.requestState)
    expect(reasonOf(await inside.call('alice', asking, {}, { ...more, requestState: `x${state.slice(1)}` }))).toMatch(/altered/)
    expect(reasonOf(await inside.call('alice', 'everything__echo', { message: 'x' }, more))).toMatch(/another call/)
    expect(reasonOf(await inside.call('alice', asking, { other: 1 }, more))).toMatch(/arguments/)
    inside.age(601_000)
    expect(reasonOf(await inside.call('alice', asking, {}, more))).toMatch(/expired/)
    inside.endLongWaits()
  })

  test('a server that gives up while its user thinks has its outcome kept for the one who comes back', async () => {
    const first = await inside.call('alice', 'fixture__test_impatient')
    expect(first.outcome.kind).toBe('input_required')
    const gaveUp = async (): Promise<boolean> => {
      const { outcome } = await inside.call('alice', 'fixture__test_slow_state', { key: 'impatient' })
      return JSON.stringify(outcome.kind === 'complete' && outcome.result.json()).includes('gave up')
    }
    expect(await eventually(gaveUp)).toBe(true)
    const last = await inside.call('alice', 'fixture__test_impatient', {}, answered(first, 'alice'))
    expect(JSON.stringify(last.outcome.kind === 'complete' && last.outcome.result.json())).toContain('gave up')
  })

  test('of a call that nobody comes back for an unclaimed record is written', async () => {
    const before = inside.counted.get('unclaimed') ?? 0
    expect((await inside.call('bob', asking)).outcome.kind).toBe('input_required')
    inside.endLongWaits()
    expect(await eventually(() => (inside.counted.get('unclaimed') ?? 0) === before + 1)).toBe(true)
    expect(inside.logged.at(-1)).toMatchObject({ fields: { upstream: 'everything', issuer: 'https://id.example', subject: 'bob' } })
    const row = inside.records.at(-1)
    expect(row).toMatchObject({
      delivery: 'unclaimed',
      upstream: 'everything',
      caller: { principal: { sub: 'bob' } },
      fault: { kind: 'unclaimed', sideEffect: 'unknown' },
    })
    expect(row?.durationMs).toBeGreaterThan(0)
    // The leg that asked has its record under the id of the call.
    expect(inside.records.filter(({ id }) => id === row?.id)).toEqual([row])
    expect(inside.logged.at(-1)).toMatchObject({ fields: { id: inside.records.at(-2)?.id, record: row?.id } })
    // The server is free again at once.
    expect(await whole('bob', 'everything__echo', { message: 'next' })).toContain('next')
  })
})
