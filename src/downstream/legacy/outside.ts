// What a server says outside any call, for the one session that owns its connection: log lines on the client's stream, questions to its
// client. Where nobody listens there is no answer, and the server is told so at once.
import type { CallEvent } from '../../core/call/exchange.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import { locate } from '../../core/protocol/locate.ts'
import { InputRequests, type InputRequestsParts } from './input-requests.ts'

/** Where a session is reached for what belongs to no call. */
export interface OutsideSession {
  event(event: CallEvent): void
  /** The client's result, or its error under `refusalKey`; undefined where it cannot be reached, or did not answer. */
  ask(method: string, params: Payload | undefined): Promise<Payload | undefined>
}

/** Takes sessions by the affinity of their calls; returns what takes one out again. */
export interface Outsiders {
  register(affinity: string, session: OutsideSession): () => void
  /** The client says that its roots changed: the servers that it uses hear it. */
  rootsChanged?(affinity: string): void
  /** The session is over: what servers keep for it can go. */
  sessionEnded?(affinity: string): void
}

/** Longest wait for the answer, in ms. */
const answerMs = 50_000
const key = 'outside'

export async function askOutside(parts: InputRequestsParts, method: string, params: Payload | undefined): Promise<Payload | undefined> {
  const head = Buffer.from(`{"inputRequests":{"${key}":{"method":${JSON.stringify(method)}`)
  const requests = params === undefined ? [head] : [head, Buffer.from(',"params":'), params.bytes]
  const collected = await new InputRequests(parts).collect({
    item: method,
    requests: payload(Buffer.concat([...requests, Buffer.from('}}}')])),
    parked: true,
    timeoutMs: answerMs,
  })
  if (collected.kind !== 'answers' || collected.responses === undefined) return undefined
  const answer = locate(Buffer.from(collected.responses), [key])
  return answer === undefined ? undefined : payload(answer)
}
