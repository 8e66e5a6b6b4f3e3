import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, countedRandom } from '../../../test/doubles/gateway/samples.ts'
import { type RoutedCall, routed } from '../../core/call/call.ts'
import { complete, failed, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { KnownValues } from '../../core/secrets/known-values.ts'
import { type GuardSettings, guards } from './stage.ts'

const token = `ghp_${'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1'}`
const masked = '[secret masked: github_token]'
const own = 'kept-by-the-gateway-7'

function setting(settings: Partial<GuardSettings>, { kept = false, quiet = false, others = {} as Partial<GuardSettings> } = {}) {
  const { report, counted, logged } = aReport()
  const stage = guards({
    random: countedRandom(),
    report,
    othersOf: () => ({ ...unconfigured, ...others }),
    keptOf: () => (kept ? KnownValues.of([own]) : undefined),
  })
  const { exchange, events } = anExchange()
  const run = (outcome: Outcome, change: Partial<RoutedCall> = {}) => {
    const call = { ...routed(aCall(), anItem({ settings: { ...unconfigured, ...settings } })), ...change }
    return stage.run(call, exchange, async (_, guarded) => {
      if (quiet) return outcome
      guarded.sink.emit({ kind: 'log', level: 'info', params: payloadOf({ level: 'info', data: { seen: [token, own] } }) })
      guarded.sink.emit({ kind: 'progress', params: payloadOf({ progressToken: 1, progress: 1, message: `with ${token}` }) })
      guarded.sink.emit({ kind: 'changed', list: 'tools' })
      return outcome
    })
  }
  return { run, events, exchange, counted, logged }
}

function result(value: unknown): Outcome {
  const made = payloadOf(value)
  return complete(made, unscanned(made.size))
}

function body(outcome: Outcome) {
  if (outcome.kind !== 'complete') throw new Error(outcome.kind)
  expect(outcome.facts.bytes).toBe(outcome.result.bytes.length)
  return JSON.parse(Buffer.from(outcome.result.bytes).toString('utf8'))
}

const structured = { rows: [{ name: 'a', key: token }], big: 1 }
const both = { content: [{ type: 'text', text: JSON.stringify(structured) }], structuredContent: structured, isError: true }

describe('secrets', () => {
  it('are masked alike in text and structured content, and counted', async () => {
    const { run, counted, logged, exchange } = setting({ secrets: 'mask' })
    const { content, structuredContent, isError, _meta } = body(await run(result(both)))
    expect(structuredContent).toEqual({ rows: [{ name: 'a', key: masked }], big: 1 })
    expect(JSON.parse(content[0].text)).toEqual(structuredContent)
    expect(isError).toBe(true)
    expect(_meta).toEqual({ 'signalbox.dev/masked': { github_token: 2 } })
    // Those of the two events before it too.
    expect(counted.masked).toBe(4)
    expect(logged.join()).not.toContain(token)
    expect(exchange.fact('masked')).toEqual({ github_token: 4 })
  })

  it('in prompts, embedded resources and what is read, and never in images, audio, blobs or addresses', async () => {
    const { run } = setting({}, { others: { secrets: 'mask' } })
    const image = { type: 'image', mimeType: 'image/png', data: token }
    const value = {
      messages: [{ role: 'user', content: { type: 'resource', resource: { uri: `file:///${token}`, text: token } } }],
      content: [
        image,
        { type: 'resource_link', uri: `x:${token}`, name: 'a' },
        { type: 'resource', resource: { uri: 'a:b', blob: token } },
      ],
      contents: [
        { uri: 'a:b', text: `is ${token}` },
        { uri: 'a:c', blob: token },
      ],
    }
    const left = body(await run(result(value), { item: anItem({ kind: 'resource' }) }))
    expect(left.messages[0].content.resource).toEqual({ uri: `file:///${token}`, text: masked })
    expect(left.content).toEqual(value.content)
    expect(left.contents).toEqual([{ uri: 'a:b', text: `is ${masked}` }, value.contents[1]])
  })

  it('in what is told on the way, and in errors', async () => {
    const { run, events } = setting({ secrets: 'mask' })
    const found = fault('upstream_error', {
      item: 'x',
      upstream: 'up',
      code: -32000,
      said: token,
      wire: { code: -32000, message: `no ${token}` },
    })
    const outcome = await run(failed(found))
    expect(JSON.stringify(events.map((event) => ('params' in event ? event.params.json() : event)))).not.toContain(token)
    expect(events).toHaveLength(3)
    expect(JSON.stringify(outcome)).not.toContain(token)
    expect(outcome).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_error', detail: { wire: { message: `no ${masked}` } } } })
  })

  it('that the gateway keeps are masked whatever is configured, and others then stay', async () => {
    const { run, events } = setting({}, { kept: true })
    const { content } = body(await run(result({ content: [{ type: 'text', text: `${own} ${token}` }] })))
    expect(content[0].text).toBe(`[secret masked: own_credential] ${token}`)
    expect(JSON.stringify(events[0])).not.toContain(own)
  })

  it('in what a server asks its client, and never in the addresses that its user is sent to', async () => {
    const { run } = setting({ secrets: 'mask' }, { kept: true })
    const url = `https://a.example/sign-in?access_token=a8f3k2m9q7w1e5r4`
    const image = { type: 'image', mimeType: 'image/png', data: token }
    const inputRequests = {
      one: { method: 'elicitation/create', params: { mode: 'url', message: `sent by ${token}`, url } },
      two: { method: 'elicitation/create', params: { mode: 'url', message: 'own', url: `https://a.example/?t=${own}` } },
      three: {
        method: 'sampling/createMessage',
        params: {
          systemPrompt: `use ${own}`,
          messages: [
            { role: 'user', content: image },
            { role: 'user', content: { type: 'text', text: token } },
          ],
        },
      },
    }
    const continuation = { kind: 'relayed', inner: 'state' } as const
    const outcome = await run({
      kind: 'input_required',
      requests: payloadOf({ resultType: 'input_required', inputRequests }),
      continuation,
      sealed: 's',
    })
    if (outcome.kind !== 'input_required') throw new Error(outcome.kind)
    expect(outcome).toMatchObject({ continuation, sealed: 's' })
    const left = JSON.parse(Buffer.from(outcome.requests.bytes).toString('utf8'))
    expect(left.inputRequests.one.params).toEqual({ mode: 'url', message: `sent by ${masked}`, url })
    expect(left.inputRequests.two.params.url).toBe('https://a.example/?t=[secret masked: own_credential]')
    expect(left.inputRequests.three.params).toEqual({
      systemPrompt: 'use [secret masked: own_credential]',
      messages: [
        { role: 'user', content: image },
        { role: 'user', content: { type: 'text', text: masked } },
      ],
    })
    expect(left._meta).toEqual({ 'signalbox.dev/masked': { github_token: 2, own_credential: 2 } })
  })

  it('in what a server says of a task', async () => {
    const { run } = setting({ secrets: 'mask' })
    const outcome = await run({ kind: 'task', result: payloadOf({ taskId: 'one', statusMessage: `with ${token}` }), handle: 'one' })
    if (outcome.kind !== 'task') throw new Error(outcome.kind)
    expect(outcome.result.json()).toMatchObject({ taskId: 'one', statusMessage: `with ${masked}` })
  })

  it('that the gateway keeps are masked in images and addresses too', async () => {
    const { run } = setting({}, { kept: true })
    const value = {
      content: [
        { type: 'resource_link', uri: `x:${own}`, name: 'a' },
        { type: 'image', mimeType: 'image/png', data: own },
      ],
    }
    expect(JSON.stringify(body(await run(result(value))))).not.toContain(own)
  })

  it('where there is none, the result is the very same', async () => {
    const clean = result({ content: [{ type: 'text', text: 'token: none, 12345678901234567890' }] })
    const unmasked = setting({}, { kept: true, quiet: true })
    expect(await unmasked.run(clean)).toBe(clean)
    expect(unmasked.exchange.fact('masked')).toBeUndefined()
    expect(await setting({ secrets: 'mask' }, { kept: true }).run(clean)).toBe(clean)
    const unguarded = result(both)
    expect(await setting({}).run(unguarded)).toBe(unguarded)
  })
})

describe('results that are marked', () => {
  const tagged = 'hi\u{e0041}\u200b 👩‍💻'

  it('stand between two texts with a boundary of their own, with what they hide written out', async () => {
    const { run, counted } = setting({ untrusted: 'mark' })
    const value = {
      content: [
        { type: 'text', text: tagged },
        { type: 'resource', resource: { uri: 'a:b', text: 'a\u202eb' } },
        { type: 'image', mimeType: 'image/png', data: 'AAAA' },
      ],
      structuredContent: { said: tagged },
    }
    const one = body(await run(result(value)))
    const two = body(await run(result(value)))
    const { boundary } = one._meta['signalbox.dev/untrusted']
    expect(one._meta['signalbox.dev/untrusted'].hidden_characters).toBe(3)
    expect(two._meta['signalbox.dev/untrusted'].boundary).not.toBe(boundary)
    expect(one.content[0].text).toContain(`[untrusted content ${boundary} begins]`)
    expect(one.content.at(-1).text).toBe(`[untrusted content ${boundary} ends]`)
    expect(one.content[1].text).toBe('hi\\u{E0041}\\u{200B} 👩‍💻')
    expect(one.content[2].resource.text).toBe('a\\u{202E}b')
    expect(one.content[3]).toEqual(value.content[2])
    expect(one.structuredContent).toEqual(value.structuredContent)
    expect(counted.hidden_characters).toBe(6)
  })

  it('also where escapes hide it, and where secrets are masked too', async () => {
    const { run } = setting({ untrusted: 'mark', secrets: 'mask' })
    const bytes = Buffer.from(`{"content":[{"text":"\\u200b${token}","type":"text"}]}`)
    const { payload } = await import('../../core/call/payload.ts')
    const { content, _meta } = body(await run(complete(payload(bytes), unscanned(bytes.length))))
    expect(content[1].text).toBe(`\\u{200B}${masked}`)
    expect(Object.keys(_meta)).toEqual(['signalbox.dev/masked', 'signalbox.dev/untrusted'])
  })

  it.each([{ content: [] }, { structuredContent: {} }, { content: 'x' }])('unless they have no content: %j', async (value) => {
    const empty = result(value)
    expect(await setting({ untrusted: 'mark' }).run(empty)).toBe(empty)
  })
})
