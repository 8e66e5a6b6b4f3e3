// The decisions that the audit keeps: who was let in or not, who may use what, whose credential was used, what operators did. `observe` keeps them.
import type { Principal } from '../call/principal.ts'
import type { Run } from '../call/run.ts'

export interface Decision {
  /** Correlation id of the request; '' of what no request caused. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /**
   * `authenticate`: is this a caller; `access`: may it use the item; `shadow`: what a rule that is not in force would have said; `credential`:
   * a credential of an upstream was used, renewed or refused; `consent`, `grant`, `key`, `token`: one was given, revoked or made; `operation`:
   * an operator did something to the running gateway; `contract`: a tool or a change of one was let in, or not; `content`: secrets were taken
   * out of what a server gave.
   */
  readonly about:
    | 'authenticate'
    | 'access'
    | 'shadow'
    | 'credential'
    | 'consent'
    | 'grant'
    | 'key'
    | 'token'
    | 'operation'
    | 'contract'
    | 'content'
  readonly allowed: boolean
  /** Undefined where nobody is known. */
  readonly principal: Principal | undefined
  readonly method: string | undefined
  readonly upstream: string | undefined
  /** The upstream's own name of the item. */
  readonly item: string | undefined
  /** Of a tool that stands beside other versions of itself. */
  readonly version?: number | undefined
  /** `c1:…`: of a call the contract of the tool that its caller is shown; of a decision about a tool the one that it is about. */
  readonly contract?: string | undefined
  /** Which rule or check decided: `access.2`, `audience`, `default`. */
  readonly rule: string
  /** Id of the credential, never its value. */
  readonly credential: string
  /** Of a call; absent of what is decided outside of one. */
  readonly run?: Run | undefined
  /** For people; no secret. */
  readonly reason: string | undefined
  /** Whoever reaches a door can cause such, as many as they like: of each rule so many are kept one by one, the others as their number. */
  readonly fromAnybody?: true
}

/** Never throws, never blocks. */
export interface Decisions {
  note(decision: Decision): void
}
