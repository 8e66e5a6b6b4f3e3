import { describe, expect, it } from 'vitest'
import { ask, httpWireRig, json, kinds, sse } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { result, type Script, send, startScripted, until } from '../../../test/doubles/upstream/scripted-server.ts'
import { askingFor, statusFault } from '../messages/answers.ts'

const at = httpWireRig()
const { open } = at

/** As Starlette does where a path has a slash too many or too few. */
function redirecting(from: string, to: string, status = 307, then: Script = answering): Script {
  return (asked, response, request) => {
    if (asked.path === from) response.writeHead(status, { location: to }).end()
    else return then(asked, response, request)
  }
}

const answering: Script = (asked, response) => send(response, 200, json, result(asked.id))

describe('a redirect within the origin', () => {
  it.each([307, 308])('by %i repeats the request, headers and body, and is remembered', async (status) => {
    at.server.script = redirecting('/mcp', at.server.url.replace('/mcp', '/mcp/'), status)
    const wire = open()
    const headers = { authorization: 'Bearer x', 'mcp-method': 'tools/call' }
    expect(kinds(await ask(wire, { headers }))).toEqual(['answer'])
    const [first, second] = at.server.asked
    expect(second).toMatchObject({ method: 'POST', path: '/mcp/', body: first?.body })
    expect(second?.headers).toMatchObject(headers)
    await ask(wire)
    expect(at.server.asked.map(({ path }) => path)).toEqual(['/mcp', '/mcp/', '/mcp/'])
  })

  it('may be relative, keeps the query, and is followed by what is no request too', async () => {
    at.server.script = redirecting('/mcp', '/v2/mcp?k=1', 308, (_, response) => void response.writeHead(202).end())
    const wire = open()
    expect(await wire.post(Buffer.from('{}'), {})).toBeUndefined()
    await wire.deleteSession({ 'mcp-session-id': 's' })
    expect(at.server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /mcp', 'POST /v2/mcp?k=1', 'DELETE /v2/mcp?k=1'])
  })

  it('is followed by the GET stream', async () => {
    at.server.script = redirecting('/mcp', '/mcp/', 307, (_, response) => {
      response.writeHead(200, { 'content-type': sse }).write('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')
    })
    const controller = new AbortController()
    const ended = open().listen(() => ({}), controller.signal)
    await until(() => at.strays.length === 1)
    controller.abort()
    expect(await ended).toBe('ended')
  })

  it('is followed a few times only', async () => {
    at.server.script = (asked, response) => void response.writeHead(307, { location: `${asked.path}/x` }).end()
    const answer = await ask(open())
    expect(answer).toMatchObject({ kind: 'status', status: 307, location: `${at.server.url}/x/x/x/x/x/x` })
    expect(at.server.asked).toHaveLength(6)
    expect(at.pools.open).toBe(0)
  })

  it('ends with its caller', async () => {
    const controller = new AbortController()
    at.server.script = redirecting('/mcp', '/mcp/', 307, () => controller.abort())
    expect(await ask(open(), { signal: controller.signal })).toMatchObject({ kind: 'aborted' })
    await until(() => at.pools.open === 0)
  })

  it('leads nowhere where it names no address', async () => {
    at.server.script = (_, response) => void response.writeHead(307).end()
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 307, location: undefined })
    at.server.script = (_, response) => void response.writeHead(307, { location: 'http://[' }).end()
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 307, location: undefined })
  })
})

describe('any other redirect is not followed, and names its target and the setting', () => {
  it('to another origin, which gets neither request nor credential', async () => {
    const other = await startScripted(answering)
    const target = other.url.replace('127.0.0.1', 'localhost')
    at.server.script = (_, response) => void response.writeHead(307, { location: `${target}?token=s3cret#x` }).end()
    const answer = await ask(open(), { headers: { authorization: 'Bearer x' } })
    expect(answer).toMatchObject({ kind: 'status', status: 307, location: target })
    if (answer.kind !== 'status') throw new Error(answer.kind)
    const fault = statusFault(askingFor('up', 'tools/call'), answer, undefined)
    expect(fault).toMatchObject({ kind: 'upstream_redirected', sideEffect: 'none' })
    expect(fault.message).toContain(`a redirect to ${target} that is not followed`)
    expect(fault.message).toContain('`url:`')
    expect(other.connections).toBe(0)
    await other.stop()
  })

  it.each([301, 302, 303])('by %i, after which clients ask in another way', async (status) => {
    at.server.script = redirecting('/mcp', '/mcp/', status)
    const wire = open()
    expect(await ask(wire)).toMatchObject({ kind: 'status', status, location: `${at.server.url}/` })
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_redirected', detail: { location: `${at.server.url}/` } })
    expect(at.server.asked.map(({ path }) => path)).toEqual(['/mcp', '/mcp'])
  })
})

describe('the name of the gateway', () => {
  it('is told to servers, unless the configuration has another', async () => {
    const wire = open()
    await ask(wire)
    await ask(wire, { headers: { 'user-agent': 'mine/1' } })
    await wire.post(Buffer.from('{}'), {})
    expect(at.server.asked.map(({ headers }) => headers['user-agent'])).toEqual(['signalbox/0', 'mine/1', 'signalbox/0'])
  })
})
