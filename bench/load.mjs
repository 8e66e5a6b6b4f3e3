// The load: raw sockets, keep-alive, one request at a time per connection, each answer checked for its id and tag.
import { connect } from 'node:net'

const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}`

/** @returns the bytes of one tools/call; `tool` as the target names it. */
function request(target, id, tag) {
  const modern = target.era === 'modern'
  const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${target.tool}","arguments":{"text":"${tag}"}${modern ? `,${meta}` : ''}}}`
  const headers = modern
    ? `mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: ${target.tool}\r\n`
    : `mcp-protocol-version: 2025-11-25\r\n${target.session ? `mcp-session-id: ${target.session}\r\n` : ''}`
  return `POST ${target.path} HTTP/1.1\r\nhost: ${target.host ?? '127.0.0.1'}:${target.port}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n${target.authorization ? `authorization: ${target.authorization}\r\n` : ''}${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Calls so far of each client: what is called in one window is not called again in the next, as by agents that go on. */
const sequences = []

/** One client: resolves at the deadline; `times` in ms, `errors` counted. */
function client(target, until, times, errors, number) {
  return new Promise((resolve) => {
    const socket = connect(target.port, target.host ?? '127.0.0.1')
    socket.setNoDelay(true)
    let started = 0
    let expected = ''
    let buffer = ''
    const send = () => {
      if (performance.now() >= until) {
        socket.destroy()
        return resolve()
      }
      sequences[number] = (sequences[number] ?? 0) + 1
      const id = number * 10_000_000 + sequences[number]
      expected = `tag-${id}`
      started = performance.now()
      socket.write(request(target, id, expected))
    }
    socket.on('connect', send)
    socket.on('data', (chunk) => {
      buffer += chunk.latin1Slice()
      if (!whole(buffer)) return
      times.push(performance.now() - started)
      if (!buffer.startsWith('HTTP/1.1 200') || !buffer.includes(expected)) {
        errors.count += 1
        errors.first ??= buffer.slice(0, 600)
      }
      buffer = ''
      send()
    })
    const fail = (error) => {
      if (performance.now() < until) {
        errors.count += 1
        errors.first ??= String(error)
      }
      resolve()
    }
    socket.on('error', fail)
    socket.on('close', () => fail('closed'))
  })
}

function whole(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = text.slice(0, end).toLowerCase()
  const at = head.indexOf('content-length: ')
  if (at >= 0) return text.length - end - 4 >= Number.parseInt(head.slice(at + 16), 10)
  return text.endsWith('0\r\n\r\n')
}

/** Runs `connections` clients for `ms`. */
export async function load(target, connections, ms) {
  const times = []
  const errors = { count: 0, first: undefined }
  const from = performance.now()
  await Promise.all(Array.from({ length: connections }, (_, number) => client(target, from + ms, times, errors, number)))
  const seconds = (performance.now() - from) / 1_000
  times.sort((a, b) => a - b)
  const at = (q) => times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? Number.NaN
  return {
    requests: times.length,
    perSecond: times.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    errors: errors.count,
    firstError: errors.first,
  }
}
