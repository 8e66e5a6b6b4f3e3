// What operators did at the admin door, as decisions of the audit: who, what, when, and what came of it. The door knows its operators by one
// token; which person it was is what the program says that asked, and is noted as that.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'

export interface Operation {
  /** `pause`, `clear`, … */
  readonly action: string
  readonly upstream?: string | undefined
  readonly item?: string | undefined
  /** False where there is nothing that it could be done to. */
  readonly allowed: boolean
  /** For people. */
  readonly result: string
}

export class Operations {
  private readonly decisions: Decisions
  private readonly clock: Clock
  private readonly credential: string

  /** `guarded`: the door asks for its token. */
  constructor(decisions: Decisions, clock: Clock, guarded: boolean) {
    this.decisions = decisions
    this.clock = clock
    this.credential = guarded ? 'admin.token' : ''
  }

  /** To be called once what was asked for is over. */
  note(req: IncomingMessage, { action, upstream, item, allowed, result }: Operation): void {
    this.decisions.note({
      id: '',
      atMs: this.clock.now(),
      about: 'operation',
      allowed,
      principal: undefined,
      method: action,
      upstream: upstream?.slice(0, longestName),
      item: item?.slice(0, longestName),
      rule: 'operator',
      credential: this.credential,
      reason: `${action} by ${whoOf(req)}: ${result}`,
    })
  }
}

/** Of names, which an address of a request may state at any length. */
export const longestName = 200

/** A name that a program may state: of a user of the system that it runs on. */
const stated = /^[\p{L}\p{N}][\p{L}\p{N}._@\\+-]{0,63}$/u

/** The name of whoever asks, as the program says that asks. */
export function operatorOf({ headers }: IncomingMessage): string {
  return statedBy(headers['signalbox-operator']) ?? 'an operator'
}

function statedBy(said: string | string[] | undefined): string | undefined {
  const text = typeof said === 'string' ? Buffer.from(said, 'latin1').toString('utf8') : ''
  return stated.test(text) ? text : undefined
}

function whoOf({ headers, socket }: IncomingMessage): string {
  const name = statedBy(headers['signalbox-operator'])
  const who = name === undefined ? 'an operator' : `an operator who is called ${name}`
  const { remoteAddress } = socket
  return remoteAddress === undefined ? who : `${who} (${remoteAddress})`
}
