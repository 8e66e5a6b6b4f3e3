// The wrong answers that servers and what stands before them really give: faults of the L7 proxy.
import type { ServerResponse } from 'node:http'
import type { L7Fault, Turn } from './l7-proxy.ts'
import { eventBlock as event } from './sse-text.ts'

/** As the server answered. */
export const right: L7Fault = (turn) => turn.right()

/** A status with a body of a type, in place of an answer. */
export function status(code: number, body = '', type = 'text/plain', headers: Record<string, string> = {}): L7Fault {
  return ({ res }) => {
    res.writeHead(code, { 'content-type': type, ...headers })
    res.end(body)
  }
}

/** 200 with this JSON body, whatever it is. */
export function body(text: string | Buffer): L7Fault {
  return ({ res }) => json(res, 200, text)
}

/** The right answer with something of it replaced, as bytes. */
export function mangled(change: (answer: string) => string | Buffer): L7Fault {
  return ({ res, answer }) => json(res, 200, change(answer))
}

/** The right result under another id. */
export function foreignId(id: (own: unknown) => unknown): L7Fault {
  return (turn) => json(turn.res, 200, JSON.stringify({ jsonrpc: '2.0', id: id(turn.id), result: turn.result }))
}

/** Reads the request and never answers. */
export const silence: L7Fault = () => undefined

/** RST before the headers of the answer. */
export const resetEarly: L7Fault = ({ req }) => void req.socket.resetAndDestroy()

/** Closes the connection with half of the answer sent, in a body whose length was not told. */
export const halfThenEnd: L7Fault = ({ req, answer }) => {
  req.socket.end(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${answer.slice(0, Math.floor(answer.length / 2))}`,
  )
}

/** The same in chunked coding, which shows that something is missing. */
export const halfThenCut: L7Fault = ({ res, req, answer }) => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.write(answer.slice(0, Math.floor(answer.length / 2)), () => req.socket.destroy())
}

/** Half of the answer, and then nothing more. */
export const stall: L7Fault = ({ res, answer }) => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.write(answer.slice(0, Math.floor(answer.length / 2)))
}

/** Comments as signs of life, and then the answer. */
export function keepAlives(count: number, everyMs: number): L7Fault {
  return async ({ res, answer, sleep }) => {
    openStream(res)
    for (let n = 0; n < count && !res.destroyed; n += 1) {
      res.write(': still here\n\n')
      await sleep(everyMs)
    }
    res.end(event(answer))
  }
}

/** Progress, then RST. In a session the answer is kept for the client that resumes. */
export const progressThenReset: L7Fault = async (turn) => {
  const { res, req, proxy, answer, stream } = turn
  openStream(res)
  const id = req.headers['mcp-session-id'] === undefined ? undefined : stream
  if (id !== undefined) proxy.owe(id, answer)
  res.write(event(progress(turn, 1), id))
  await turn.sleep(20)
  req.socket.resetAndDestroy()
}

/** Progress in steps, then the answer. */
export function progressing(steps: number, everyMs: number): L7Fault {
  return async (turn) => {
    const { res, answer } = turn
    openStream(res)
    for (let n = 1; n <= steps && !res.destroyed; n += 1) {
      if (turn.progressToken !== undefined) res.write(event(progress(turn, n)))
      await turn.sleep(everyMs)
    }
    res.end(event(answer))
  }
}

/** The answer twice on one stream. */
export const duplicate: L7Fault = ({ res, answer }) => {
  openStream(res)
  res.write(event(answer))
  res.end(event(answer))
}

/** An event stream as exactly these bytes; `{}` of the parts is the answer. */
export function stream(...parts: readonly ((answer: string) => string | Buffer)[]): L7Fault {
  return ({ res, answer }) => {
    openStream(res)
    for (const part of parts) res.write(part(answer))
    res.end()
  }
}

/** An answer of this size; it stops when the peer hangs up. */
export function oversize(bytes: number, declared: boolean): L7Fault {
  return async ({ res, id, proxy }) => {
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"`
    const tail = '"}]}}'
    const length = declared ? { 'content-length': String(head.length + bytes + tail.length) } : {}
    res.writeHead(200, { 'content-type': 'application/json', ...length })
    res.write(head)
    const block = Buffer.alloc(65_536, 0x61)
    for (let sent = 0; sent < bytes && !res.destroyed; sent += block.length) {
      proxy.bytesMade += block.length
      if (!res.write(block.subarray(0, Math.min(block.length, bytes - sent)))) {
        await new Promise<void>((resolve) => {
          const go = (): void => {
            res.off('drain', go).off('close', go)
            resolve()
          }
          res.on('drain', go).on('close', go)
        })
      }
    }
    res.end(tail)
  }
}

/** A result that holds this JSON text as its structured content. */
export function structured(text: string): L7Fault {
  return ({ res, id, result: { structuredContent: _, ...result } }) => {
    const members = JSON.stringify({ ...result, content: [] }).slice(1, -1)
    json(res, 200, `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${members},"structuredContent":${text}}}`)
  }
}

/** Waits until it is let go, then answers as another fault does. */
export function held(until: Promise<unknown>, then: L7Fault = right): L7Fault {
  return async (turn) => {
    await until
    await then(turn)
  }
}

function json(res: ServerResponse, code: number, text: string | Buffer): void {
  res.writeHead(code, { 'content-type': 'application/json' })
  res.end(text)
}

function openStream(res: Turn['res']): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
}

function progress({ progressToken }: Turn, value: number): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: value, total: 9 } })
}
