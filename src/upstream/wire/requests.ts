// Requests of the gateway itself on a wire: handshakes, lists, subscriptions. They have a time limit of their own.

import type { Payload } from '../../core/call/payload.ts'
import type { Signal } from '../../core/call/signal.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { notificationBytes, requestBytes } from '../../core/protocol/jsonrpc.ts'
import type { IncomingNotification, IncomingRequest, Wire, WireAnswer } from './wire.ts'

export interface OwnRequest {
  readonly method: string
  readonly params: Payload | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Ends it early. */
  readonly signal?: Signal | undefined
  /** Longest wait for the answer, in ms; the answer is then `timeout`. */
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly onMessage?: (message: IncomingRequest | IncomingNotification) => void
}

/** Resolves exactly once; rejects for a bug of ours alone. Tells a peer without request streams that nobody waits any longer, except of `initialize`. */
export async function request(
  wire: Wire,
  { clock, report }: { readonly clock: Clock; readonly report: Report },
  own: OwnRequest,
): Promise<WireAnswer | { readonly kind: 'timeout' }> {
  const controller = new AbortController()
  const end = (): void => controller.abort()
  if (own.signal?.aborted) return { kind: 'aborted', sent: false }
  own.signal?.addEventListener('abort', end, { once: true })
  let late = false
  const timer = clock.timer(own.timeoutMs, () => {
    late = true
    end()
  })
  const id = wire.nextId()
  let answer: WireAnswer
  try {
    answer = await wire.request({
      id,
      method: own.method,
      message: requestBytes(id, own.method, own.params?.bytes),
      headers: own.headers,
      signal: controller.signal,
      onMessage: own.onMessage ?? ignore,
      maxBytes: own.maxBytes,
    })
  } finally {
    timer.cancel()
    own.signal?.removeEventListener('abort', end)
  }
  if (answer.kind !== 'aborted') return answer
  if (own.method !== 'initialize' && wire.transport !== 'streamable-http') inBackground(report, 'connection', cancel(wire, id, {}))
  return late ? { kind: 'timeout' } : answer
}

/** Tells the peer that nobody waits for this request any longer. */
export async function cancel(wire: Wire, id: number, headers: Readonly<Record<string, string>>, reason?: string): Promise<void> {
  const params = Buffer.from(JSON.stringify({ requestId: id, ...(reason === undefined ? {} : { reason }) }))
  await wire.post(notificationBytes('notifications/cancelled', params), headers)
}

export function ignore(): void {}

/** The promise, or `instead` once the signal ends; the promise's own value is then nobody's. */
export function orAborted<T, U>(promise: Promise<T>, signal: Signal, instead: () => U): Promise<T | U> {
  if (signal.aborted) return Promise.resolve(instead())
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(instead())
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort)
        resolve(value)
      },
      (error) => {
        signal.removeEventListener('abort', onAbort)
        reject(error)
      },
    )
  })
}
