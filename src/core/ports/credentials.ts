// Credentials towards one upstream, on loan. Who holds them and how they are renewed is the business of the implementation; the exit asks
// for one for each call, list and watch, uses what it got, and tells when the server refused it.
import type { Principal } from '../call/principal.ts'
import type { Fault } from '../faults/fault.ts'

export interface CredentialLease {
  /**
   * Identity of the credential for connection keys, records and audits, never its value: the same as long as the server sees the same
   * party in it, renewed or not. '' where the upstream needs none.
   */
  readonly id: string
  /** Headers that carry it, in lower case, as of now: a lease outlives a renewal. Empty for stdio. */
  headers(): Readonly<Record<string, string>>
  /** Beside the headers; absent where they are all. As of now, as they are. */
  readonly proof?: RequestProof | undefined
  /** The server refused it. True where another may now be acquired in its place; false where that would bring the same again. */
  reject(refused: RefusedCredential): boolean
  /**
   * What a call is answered with that the server refused for want of scopes, where its caller can do something about it; undefined where
   * nobody else knows better than the exit, which has `found`. Absent where that is always so. `scopes`: as the server named them, perhaps
   * none.
   */
  lacks?(scopes: readonly string[], found: Fault): Promise<Fault> | undefined
}

/** What shows with each HTTP request that whoever sends it may: made for that very request, redirects and resumptions included. */
export interface RequestProof {
  /** Headers in lower case, beside and over those of the lease. `url`: without a fragment. */
  headers(
    method: string,
    url: string,
    body: Uint8Array | undefined,
  ): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  /** The server wants this in the next proof (`DPoP-Nonce`, RFC 9449 §9). True where the request that it refused may be sent again for it. */
  nonce(value: string): boolean
}

export interface RefusedCredential {
  /** HTTP status of the refusal. */
  readonly status: number
  /** `WWW-Authenticate` of the refusal. */
  readonly challenge: string | undefined
}

/** A lease, or why there is none: the caller has yet to consent, the issuer is away. */
export type Leased = CredentialLease | Fault

/** Told of what a server is sent and configuration does not have, of each value before its first use: nobody gets it by what the server answers. */
export type Issued = (upstream: string, values: readonly string[]) => void

/** The credentials of one upstream. */
export interface Credentials {
  /** For what one caller asks. At once where it is at hand: calls that need none, or have theirs, are not made to wait. */
  forCaller(principal: Principal): Leased | Promise<Leased>
  /** For what the gateway asks by itself: probe, catalogue, health. No caller's rights are used for it. */
  forDiscovery(): Leased | Promise<Leased>
}

export function isLease(leased: Leased): leased is CredentialLease {
  return 'headers' in leased
}
