// Servers that refuse a credential, or limit the rate of calls, in words alone: a result with `isError`, a short result, or an error of their own in place of a status. The
// exit asks what the words mean, since it knows the credential; the list of words is the gateway's.
import type { TargetedCall } from '../call/call.ts'
import type { Complete } from '../call/outcome.ts'

/** What the words say of the credential. */
export interface RefusingWords {
  /** Name of the text that was recognised, for counters, logs and the audit. */
  readonly rule: string
  /** `invalid`: another could be taken (as 401 says it); `insufficient`: it is known, and may not do this (as 403). */
  readonly says: 'invalid' | 'insufficient'
  /** What it lacks, where the words name it. */
  readonly scopes?: readonly string[]
}

/** A service behind the server limits the rate of calls. */
export interface LimitingWords {
  /** Name of the text that was recognised. */
  readonly rule: string
  /** When they say to come back, in ms from now; undefined where they do not. */
  readonly retryAfterMs: number | undefined
}

/** Reads what one server says. Bounded work, never throws. */
export interface WordsReader {
  /** Results without `isError` of at most so many bytes are worth a look; 0 where none is. */
  readonly shortBytes: number
  /** Undefined where the result speaks of no refused credential, or of one that is none of the gateway's. */
  inResult(result: Complete, call: TargetedCall): RefusingWords | undefined
  /** The same of the message of a JSON-RPC error. */
  inError(message: string, call: TargetedCall): RefusingWords | undefined
  /** Undefined where the result speaks of no limit that its call met. */
  limitInResult(result: Complete, call: TargetedCall): LimitingWords | undefined
  limitInError(message: string, call: TargetedCall): LimitingWords | undefined
  /** A call is treated by them. */
  limited(words: LimitingWords, call: TargetedCall): void
  /** A call is treated by them. `credential`: id of the lease, '' where none was sent. */
  heeded(words: RefusingWords, call: TargetedCall, credential: string): void
}
