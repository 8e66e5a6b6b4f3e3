// Answers what is no HTTP request at all: broken framing, oversized headers, a client that never finishes its request.
import type { Socket } from 'node:net'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'

/** What a door says of it: a media type, and a body in JSON. */
export type BrokenAnswer = (status: number, reason: string) => { readonly type: string; readonly body: object }

const ofMcp: BrokenAnswer = (_status, reason) => ({
  type: 'application/json',
  body: { jsonrpc: '2.0', error: { code: -32600, message: `The request is not valid: ${reason}.` } },
})

/** `answering`: the head of another answer is already on this connection, so nothing can be said. Undefined: the client just went away. */
export function answerBroken(error: NodeJS.ErrnoException, socket: Socket, answering: boolean, said = ofMcp): Fault | undefined {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable) {
    socket.destroy()
    return undefined
  }
  const [status, reason] = explain(error.code)
  if (answering) socket.destroy(error)
  else {
    const { type, body } = said(Number.parseInt(status, 10), reason)
    const text = JSON.stringify(body)
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}`
    socket.end(`${head}\r\n\r\n${text}`)
  }
  return fault('invalid_request', { reason })
}

function explain(code: string | undefined): readonly [string, string] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['431 Request Header Fields Too Large', 'its headers are larger than 16 KiB']
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return ['413 Payload Too Large', 'its chunk extensions are too large']
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout', 'it was not sent in time']
  return ['400 Bad Request', 'it is no HTTP/1.1']
}
