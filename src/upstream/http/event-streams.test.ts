import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { ask, httpWireRig, kinds, sse } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { result, send, until } from '../../../test/doubles/upstream/scripted-server.ts'

const at = httpWireRig()
const { open } = at

describe('a stream that a legacy server cut', () => {
  it('is taken up again by its last event id after the time the server asked for', async () => {
    const clock = new ManualClock()
    at.server.script = (asked, response, request) => {
      if (asked.method === 'POST') {
        response.writeHead(200, { 'content-type': sse })
        response.write('id: e1\nretry: 700\ndata:\n\nid: e2\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n', () =>
          setImmediate(() => request.socket.resetAndDestroy()),
        )
      } else if (at.server.asked.length === 2) {
        response.end()
      } else {
        send(response, 200, sse, `id: e3\ndata: ${result(1)}\n\n`)
      }
    }
    const heard: string[] = []
    const answer = ask(open({ resume: true, clock }), {
      headers: { 'mcp-session-id': 's', 'mcp-protocol-version': '2025-11-25' },
      onMessage: (message) => heard.push(message.method),
    })
    await until(() => clock.pending === 1, 'timer')
    await clock.advance(699)
    expect(at.server.asked).toHaveLength(1)
    await clock.advance(1)
    await until(() => at.server.asked.length === 2)
    at.server.script = (_, response) => send(response, 200, sse, `id: e3\ndata: ${result(1)}\n\n`)
    // The GET without an event stream is a refusal that will not change.
    expect(kinds(await answer)).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(at.server.asked[1]).toMatchObject({ method: 'GET', headers: { 'last-event-id': 'e2', 'mcp-session-id': 's', accept: sse } })
    expect(heard).toEqual(['notifications/message'])
  })

  it('gives its answer on the second attempt, also where the first met a proxy that failed', async () => {
    const clock = new ManualClock()
    at.server.script = (asked, response) => {
      if (asked.method === 'POST') send(response, 200, sse, 'id: e1\ndata:\n\n')
      else if (at.server.asked.length === 2) send(response, 502, 'text/html', 'no')
      else if (at.server.asked.length === 3) send(response, 200, sse, 'id: e2\ndata:\n\n')
      else send(response, 200, sse, `data: ${result(1)}\n\n`)
    }
    const answer = ask(open({ resume: true, clock }))
    for (const seen of [2, 3, 4]) {
      await until(() => clock.pending > 0, `timer ${seen}`)
      await clock.advance(60_000)
      await until(() => at.server.asked.length === seen)
    }
    expect(await answer).toMatchObject({ kind: 'answer' })
    expect(at.server.asked[3]?.headers['last-event-id']).toBe('e2')
  })

  it('is asked for again where it stays quiet, as servers that only replay leave it', async () => {
    const clock = new ManualClock()
    at.server.script = (asked, response) => {
      if (asked.method === 'POST') send(response, 200, sse, 'id: e1\ndata:\n\n')
      else if (at.server.asked.length < 4)
        response.writeHead(200, { 'content-type': sse }).write(`id: e${at.server.asked.length}\ndata: ${result(99)}\n\n`)
      else send(response, 200, sse, `data: ${result(1)}\n\n`)
    }
    const answer = ask(open({ resume: true, clock }))
    await until(() => clock.pending > 0)
    await clock.advance(600)
    for (const seen of [2, 3]) {
      await until(() => at.server.asked.length === seen)
      await until(() => clock.pending > 0)
      for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve))
      await clock.advance(2_000)
    }
    expect(await answer).toMatchObject({ kind: 'answer' })
    expect(at.server.asked.map((asked) => asked.headers['last-event-id'])).toEqual([undefined, 'e1', 'e2', 'e3'])
    expect(at.anomalies).toEqual([])
  })

  it('is given up after a bounded number of attempts, and by the signal between two', async () => {
    const clock = new ManualClock()
    at.server.script = (asked, response) =>
      asked.method === 'POST' ? send(response, 200, sse, 'id: e1\ndata:\n\n') : send(response, 500, '', '')
    const wire = open({ resume: true, clock })
    const answer = ask(wire)
    let settled = false
    void answer.then(() => {
      settled = true
    })
    while (!settled) {
      await until(() => clock.pending > 0 || settled)
      await clock.advance(60_000)
    }
    expect(kinds(await answer)).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(at.server.asked.length).toBe(5)
    const controller = new AbortController()
    const second = ask(wire, { signal: controller.signal })
    await until(() => clock.pending > 0)
    controller.abort()
    expect(await second).toMatchObject({ kind: 'aborted' })
    expect(clock.pending).toBe(0)
    const third = ask(wire)
    await until(() => clock.pending > 0)
    await wire.close()
    expect(await third).toMatchObject({ kind: 'aborted' })
  })
})

describe('the GET stream', () => {
  it('brings stray messages, opens again after its end, and resumes within a session', async () => {
    const clock = new ManualClock()
    let round = 0
    at.server.script = (_, response) => {
      round += 1
      send(response, 200, sse, `retry: 50\nid: e${round}\ndata: {"jsonrpc":"2.0","method":"notifications/n${round}"}\n\n`)
    }
    const controller = new AbortController()
    let session = 'a'
    const ended = open({ clock }).listen(() => ({ 'mcp-session-id': session }), controller.signal)
    await until(() => clock.pending === 1)
    await clock.advance(50)
    await until(() => at.strays.length === 2 && clock.pending === 1)
    session = 'b'
    await clock.advance(50)
    await until(() => at.strays.length === 3 && clock.pending === 1)
    controller.abort()
    expect(await ended).toBe('ended')
    expect(at.strays.map((message) => message.method)).toEqual(['notifications/n1', 'notifications/n2', 'notifications/n3'])
    expect(at.server.asked.map((asked) => asked.headers['last-event-id'])).toEqual([undefined, 'e1', undefined])
    expect(clock.pending).toBe(0)
  })

  it.each([
    [405, { 'mcp-session-id': 's' }],
    [404, {}],
    [200, {}],
  ])('is unsupported by %i and not asked for again', async (status, headers) => {
    at.server.script = (_, response) => send(response, status, 'text/plain', '')
    expect(await open().listen(() => headers, new AbortController().signal)).toBe('unsupported')
    expect(at.server.asked).toHaveLength(1)
  })

  it('is tried again, ever more slowly, where the server is away or has lost the session', async () => {
    const clock = new ManualClock()
    at.server.script = (_, response) => send(response, at.server.asked.length === 1 ? 503 : 404, 'text/plain', '')
    const controller = new AbortController()
    const ended = open({ clock }).listen(() => ({ 'mcp-session-id': 's' }), controller.signal)
    for (let seen = 1; seen < 5; seen += 1) {
      await until(() => at.server.asked.length === seen && clock.pending > 0)
      await clock.advance(60_000)
    }
    controller.abort()
    expect(await ended).toBe('ended')
  })

  it('drops an event over the cap with its stream, and goes on', async () => {
    const clock = new ManualClock()
    at.server.script = (_, response) => {
      if (at.server.asked.length === 1) send(response, 200, sse, `id: 1\ndata: ${'x'.repeat(20_000)}\n\n`)
      else send(response, 200, sse, 'data: {"jsonrpc":"2.0","method":"notifications/a"}\n\n')
    }
    const controller = new AbortController()
    const ended = open({ clock }).listen(() => ({ 'mcp-session-id': 's' }), controller.signal)
    await until(() => clock.pending > 0)
    await clock.advance(60_000)
    await until(() => at.strays.length === 1)
    controller.abort()
    await ended
    expect(at.anomalies).toEqual(['oversize'])
    expect(at.server.asked[1]?.headers['last-event-id']).toBeUndefined()
  })
})
