// What operators did at the admin door, as decisions of the audit: who, what, when, and what came of it. Of whom the door knows by the token of the
// gateway alone, the person is who the program says that asked, and is noted as that.
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decision, Decisions } from '../../core/ports/decisions.ts'

export interface Operation {
  /** What it is a decision about: `operation`, unless it is another. */
  readonly about?: Decision['about']
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

  constructor(decisions: Decisions, clock: Clock) {
    this.decisions = decisions
    this.clock = clock
  }

  /** To be called once what was asked for is over. */
  note(request: FastifyRequest, { about = 'operation', action, upstream, item, allowed, result }: Operation): void {
    const { principal, credential } = request.operator
    request.noted = true
    this.decisions.note({
      id: '',
      atMs: this.clock.now(),
      about,
      allowed,
      principal,
      method: action,
      upstream: upstream?.slice(0, longestName),
      item: item?.slice(0, longestName),
      rule: 'operator',
      credential,
      reason: `${action} by ${whoOf(request)}: ${result}`,
    })
  }
}

/** Of names, which an address of a request may state at any length. */
export const longestName = 200

/** A name that a program may state: of a user of the system that it runs on. */
const stated = /^[\p{L}\p{N}][\p{L}\p{N}._@\\+-]{0,63}$/u

/** The name of whoever asks: as the credential says it, else as the program says that asks. */
export function operatorOf({ operator, headers }: FastifyRequest): string {
  return operator.principal?.sub ?? statedBy(headers['signalbox-operator']) ?? 'an operator'
}

function statedBy(said: string | string[] | undefined): string | undefined {
  const text = typeof said === 'string' ? Buffer.from(said, 'latin1').toString('utf8') : ''
  return stated.test(text) ? text : undefined
}

function whoOf({ operator, headers, raw }: FastifyRequest): string {
  const name = statedBy(headers['signalbox-operator'])
  const called = name === undefined ? 'an operator' : `an operator who is called ${name}`
  const { sub, iss } = operator.principal ?? {}
  const who = sub === undefined ? called : `${sub} of ${iss}`
  const { remoteAddress } = raw.socket
  return remoteAddress === undefined ? who : `${who} (${remoteAddress})`
}

export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, longestName))
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
