// What probes ask at the front door: is the process alive, does it serve. The body names no server: whoever may ask more asks the admin door.
import type { ServerResponse } from 'node:http'
import { answer } from './answer.ts'

export interface Readiness {
  /** Calls are taken: the doors are open. */
  readonly serving: boolean
  readonly draining: boolean
}

export function answerLive(res: ServerResponse): void {
  answer(res, 200, 'application/json', '{"status":"alive"}')
}

/** 200 once the gateway serves, whatever its upstreams do; 503 while it starts or drains. */
export function answerReady(res: ServerResponse, { serving, draining }: Readiness): void {
  const status = draining ? 'draining' : serving ? 'ready' : 'starting'
  answer(res, status === 'ready' ? 200 : 503, 'application/json', JSON.stringify({ status }))
}
