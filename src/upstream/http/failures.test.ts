import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ask, httpWireRig, json, kinds, sse } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { send } from '../../../test/doubles/upstream/scripted-server.ts'
import { unreachable } from './failures.ts'

const at = httpWireRig()
const { open } = at

describe('a connection that fails', () => {
  it('was refused: surely not executed', async () => {
    const { port } = at.server
    await at.server.stop()
    const answer = await ask(open({ url: `http://127.0.0.1:${port}/mcp` }))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({ fault: { detail: { phase: 'connect', reason: 'connection refused' } } })
  })

  it('speaks no TLS: surely not executed', async () => {
    const answer = await ask(open({ url: at.server.url.replace('http:', 'https:') }))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({ fault: { detail: { phase: 'tls' } } })
  })

  it('is told from a name that is not known', () => {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND x'), { code: 'ENOTFOUND' })
    expect(unreachable('up', error, 5).detail).toMatchObject({ phase: 'dns' })
  })

  it('holds a header that cannot be sent: surely not executed, and a matter of configuration', async () => {
    const answer = await ask(open(), { headers: { authorization: 'Bearer s3cret\n' } })
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'config_error'])
    expect(JSON.stringify(answer)).not.toContain('s3cret')
  })

  it('is not made in time by a server that accepts no connection', async () => {
    const code = `const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))`
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const port = Number(line.toString())
    child.kill('SIGSTOP')
    const fillers: Socket[] = []
    try {
      for (let i = 0; i < 6; i += 1) fillers.push(connect(port, '127.0.0.1').on('error', () => {}))
      await new Promise((resolve) => setImmediate(resolve))
      const answer = await ask(open({ url: `http://127.0.0.1:${port}/mcp`, connectTimeoutMs: 200 }))
      expect(answer).toMatchObject({
        kind: 'lost',
        fault: { kind: 'upstream_timeout', detail: { afterMs: 200, phase: 'connect' }, evidence: { name: 'connect_timeout' } },
      })
    } finally {
      for (const filler of fillers) filler.destroy()
      child.kill('SIGKILL')
    }
  })

  it.each([
    ['before headers', ''],
    ['after headers', `HTTP/1.1 200 OK\r\ncontent-type: ${json}\r\ncontent-length: 500\r\n\r\n`],
    ['within its body', `HTTP/1.1 200 OK\r\ncontent-type: ${json}\r\ncontent-length: 500\r\n\r\n{"jsonrpc"`],
    [
      'within an event stream',
      `HTTP/1.1 200 OK\r\ncontent-type: ${sse}\r\n\r\nid: 1\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n`,
    ],
  ])('is reset %s: may have been executed', async (_, before) => {
    at.server.script = (__, ___, request) => {
      const { socket } = request
      if (before === '') socket.resetAndDestroy()
      else socket.write(before, () => setImmediate(() => socket.resetAndDestroy()))
    }
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
  })

  it('ends in the middle of a chunked answer: may have been executed', async () => {
    at.server.script = (_, __, { socket }) =>
      void socket.end(`HTTP/1.1 200 OK\r\ncontent-type: ${json}\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"js`)
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
  })

  it('ends its stream without an answer: may have been executed', async () => {
    at.server.script = (_, response) => send(response, 200, sse, 'id: 1\ndata:\n\n')
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(at.server.asked).toHaveLength(1)
  })

  it('brings no HTTP', async () => {
    const raw: Server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end('SSH-2.0-OpenSSH\r\n\r\n'))
    })
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
    const answer = await ask(open({ url: `http://127.0.0.1:${(raw.address() as { port: number }).port}/` }))
    expect(kinds(answer)).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
    raw.close()
  })
})
