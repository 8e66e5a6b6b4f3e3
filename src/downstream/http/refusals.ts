// Turning a request away: recorded through the gateway, answered with a JSON-RPC error that echoes the id where there is one.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { atBatchEnd } from '../../core/call/loop-batch.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { RawId } from '../../core/protocol/jsonrpc.ts'
import { header } from '../../core/protocol/names.ts'
import type { DoorContext } from '../door.ts'
import type { ModernWriter } from '../modern/answer.ts'
import type { Message } from '../modern/envelope.ts'
import { type Tracing, traceOf } from '../modern/trace.ts'

/** What is known of the request when it is turned away. */
export interface Turned {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly id: string
  readonly atMs: number
  /** When it came and when it was known whose it is, in monotonic ms. */
  readonly times: { readonly at: number; readonly identifiedAt: number }
  readonly mount: string
  readonly transport: 'http' | 'sse'
  readonly principal?: Principal | undefined
}

export interface Named {
  readonly id?: RawId | undefined
  readonly method?: string | undefined
  readonly revision?: string | undefined
  /** Of the params. */
  readonly meta?: Message | undefined
}

export class Refusals {
  private readonly context: Tracing & Pick<DoorContext, 'gateway'>
  private readonly writer: ModernWriter

  constructor(context: Tracing & Pick<DoorContext, 'gateway'>, writer: ModernWriter) {
    this.context = context
    this.writer = writer
  }

  refuse(turned: Turned, fault: Fault, named: Named = {}): void {
    this.note(turned, fault, named)
    const { res } = turned
    if (res.headersSent || res.destroyed) return
    const answer = this.writer.refusal(named.id, fault, { correlationId: turned.id })
    writeJson(res, answer.status, answer.bytes, fault)
  }

  /** Recorded only: there is nobody, or no way, to answer. */
  note(turned: Omit<Turned, 'req' | 'res'> & Partial<Pick<Turned, 'req'>>, fault: Fault, named: Named = {}): void {
    const said = turned.req?.headers[header.protocolVersion]
    this.context.gateway.refuse({
      id: turned.id,
      method: named.method,
      mount: turned.mount,
      transport: turned.transport,
      revision: named.revision ?? (typeof said === 'string' ? said : undefined),
      principal: turned.principal,
      fault,
      startedAtMs: turned.atMs,
      trace: traceOf(named.meta, turned.req?.headers, this.context),
      requestId: named.id,
      arrived: turned.times,
    })
  }
}

const oneWriteBytes = 8_192

/** One JSON body in one write; what the fault asks of the headers is added. */
export function writeJson(res: ServerResponse, status: number, body: Buffer, fault?: Fault): void {
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length)]
  if (fault !== undefined) addFaultHeaders(headers, status, fault)
  res.writeHead(status, headers)
  // A short body leaves as text, of which each character is a byte: with its headers it is one piece, where a buffer would be two.
  const short = body.length < oneWriteBytes ? body.toString('latin1') : undefined
  atBatchEnd(() => (short === undefined ? res.end(body) : res.end(short, 'latin1')))
}

function addFaultHeaders(headers: string[], status: number, fault: Fault): void {
  if (status === 401 || (fault.challenge !== undefined && status >= 400)) headers.push('WWW-Authenticate', fault.challenge ?? 'Bearer')
  if (status === 405 && typeof fault.detail.allow === 'string') headers.push('Allow', fault.detail.allow)
  if (status === 415 && fault.detail.encoding !== undefined) headers.push('Accept-Encoding', 'identity')
  if (status === 503 || fault.retryAfterMs !== undefined) {
    headers.push('Retry-After', String(Math.max(1, Math.ceil((fault.retryAfterMs ?? 1_000) / 1_000))))
  }
}
