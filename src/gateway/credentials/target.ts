// What a token of one server is asked for: by which issuer it is given, for which resource, with which scopes. Found out with the first
// token, and anew where the server refuses one and says why.
import type { CredentialLease, RefusedCredential } from '../../core/ports/credentials.ts'
import { type BearerChallenge, bearerChallenge, lackedScopes } from '../../core/protocol/bearer-challenge.ts'
import type { Discovery } from './discovery.ts'
import { CredentialFailure } from './failure.ts'
import type { UpstreamAuth } from './settings.ts'

export interface Target {
  readonly issuer: string
  readonly resource: string
  /** To ask for; undefined: none in particular. */
  readonly scopes: readonly string[] | undefined
  /** Bind tokens to a key (RFC 9449). */
  readonly bind: boolean
}

type Wanted = Pick<UpstreamAuth, 'issuer' | 'scopes'> & Partial<Pick<UpstreamAuth, 'resource' | 'dpop'>>

/** Scopes that a server may want one after the other before it is taken for one that never has enough. */
const mostStepUps = 3

export class Targets {
  private readonly discovery: Discovery
  private readonly address: string
  private readonly wanted: Wanted
  /** The refusal that asks to look anew. */
  private challenge: BearerChallenge | undefined
  private stepUp: readonly string[] = []
  private stepUps = 0

  constructor(discovery: Discovery, address: string, wanted: Wanted) {
    this.discovery = discovery
    this.address = address
    this.wanted = wanted
  }

  /** Rejects with `CredentialFailure`. */
  async find(): Promise<Target> {
    const { wanted, challenge } = this
    this.challenge = undefined
    const found = await this.discovery.resource(this.address, challenge).catch((error: unknown) => {
      if (wanted.issuer !== undefined) return undefined
      throw error
    })
    const issuer = wanted.issuer ?? found?.issuers[0]
    if (issuer === undefined) throw new CredentialFailure('refused', 'no issuer is known for the server; set `issuer`')
    const scopes = wanted.scopes ?? found?.challenged ?? found?.scopes
    return {
      issuer,
      resource: wanted.resource ?? found?.resource ?? this.address,
      scopes: this.stepUp.length === 0 ? scopes : [...new Set([...(scopes ?? []), ...this.stepUp])],
      bind: wanted.dpop !== 'never' && (wanted.dpop === 'always' || found?.dpopRequired === true),
    }
  }

  /** Scopes that the server has asked for beside those of the configuration. */
  get more(): readonly string[] {
    return this.stepUp
  }

  /** What the server said to a token. `final` where it asks for more scopes than can be had. */
  refused(answer: RefusedCredential): 'renew' | 'final' {
    const challenge = bearerChallenge(answer.challenge)
    const lacked = lackedScopes(answer.challenge)
    if (lacked !== undefined) {
      const more = lacked.filter((scope) => !this.stepUp.includes(scope))
      if (more.length === 0 || this.stepUps >= mostStepUps) return 'final'
      this.stepUps += 1
      this.stepUp = [...this.stepUp, ...more]
    }
    this.challenge = challenge
    return 'renew'
  }
}

/** What carries a bearer or bound token. */
export function carrier(
  { header, scheme }: { readonly header?: string | undefined; readonly scheme?: string | undefined },
  bound = false,
): (value: string) => Readonly<Record<string, string>> {
  const name = (header ?? 'authorization').toLowerCase()
  const before = bound ? 'DPoP' : (scheme ?? (name === 'authorization' ? 'Bearer' : ''))
  return (value) => ({ [name]: before === '' ? value : `${before} ${value}` })
}

/** The same with further headers, which never replace the credential. */
export function withHeaders(lease: CredentialLease, more: Readonly<Record<string, string>>): CredentialLease {
  let own: Readonly<Record<string, string>> | undefined
  let both: Readonly<Record<string, string>> = {}
  return {
    id: lease.id,
    headers: () => {
      const now = lease.headers()
      if (now !== own) {
        own = now
        both = { ...more, ...now }
      }
      return both
    },
    get proof() {
      return lease.proof
    },
    reject: (refused) => lease.reject(refused),
    ...(lease.lacks === undefined ? {} : { lacks: lease.lacks }),
  }
}
