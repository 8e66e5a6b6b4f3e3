import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { limitReceiving } from './receive-limits.ts'

/** Looks in each turn of the event loop, nearly. */
async function serve(headMs: number, requestMs: number): Promise<{ server: Server; port: number }> {
  const server = createServer({ connectionsCheckingInterval: 1 }, (req, res) => {
    req.resume()
    req.on('end', () => res.end('all is here'))
  })
  limitReceiving(server, systemClock, headMs, requestMs)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

/** A client with an event loop of its own. Tells when its bytes have left, and what it got once the connection is closed. */
const clientCode = `
  const { connect } = require('node:net')
  const { workerData: { port, sent, text }, parentPort } = require('node:worker_threads')
  let got = ''
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(text, () => {
      Atomics.store(sent, 0, 1)
      Atomics.notify(sent, 0)
    })
  })
  socket.on('data', (chunk) => { got += chunk })
  socket.on('error', (error) => { got += error.code })
  socket.on('close', () => parentPort.postMessage(got))`

function client(port: number, text: string): { readonly got: Promise<string>; sent(): void } {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(clientCode, { eval: true, workerData: { port, sent: flag, text } })
  onTestFinished(() => void worker.terminate())
  return { got: once(worker, 'message').then(([got]) => got as string), sent: () => void Atomics.wait(flag, 0, 0) }
}

/** The event loop does nothing else for so long. */
function block(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

const closing = 'Connection: close\r\n'

describe('a client whose request lies unread while the gateway is busy', () => {
  it.each([
    ['its head', 20, 60_000],
    ['all of it', 20, 20],
  ])('is answered, however long the gateway took: limit for %s', async (_what, headMs, requestMs) => {
    const { server, port } = await serve(headMs, requestMs)
    const { got, sent } = client(port, `POST / HTTP/1.1\r\nHost: x\r\n${closing}Content-Length: 4\r\n\r\nbody`)
    server.once('connection', () => {
      sent()
      block(5 * headMs)
    })
    expect(await got).toContain('all is here')
  })
})

describe('a client that does not send its request', () => {
  it.each([
    ['the head', `POST / HTTP/1.1\r\nHost: x\r\n`],
    ['the body', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo`],
    ['anything', ''],
  ])('is told so at the limit, and cut off: without the end of %s', async (_what, text) => {
    const { port } = await serve(20, 20)
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let got = ''
    socket.on('data', (chunk) => {
      got += chunk
    })
    if (text !== '') socket.write(text)
    await once(socket, 'close')
    expect(got).toMatch(/^HTTP\/1.1 408 /)
  })

  it('is cut off though it sends a little all the time', async () => {
    const { port } = await serve(20, 60_000)
    const socket = connect(port, '127.0.0.1', () => socket.write('POST / HTTP/1.1\r\n'))
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    const dripping = setInterval(() => socket.write('x: y\r\n'), 1)
    onTestFinished(() => clearInterval(dripping))
    socket.resume()
    await once(socket, 'close')
  })
})
