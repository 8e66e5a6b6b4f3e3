// Fetching what a peer named: metadata, key sets, client documents, tokens. Standard `fetch`, so that libraries take it; what it refuses it
// rejects with, since that is what they expect of a fetch.

/**
 * Rejects with `FetchRefused` where an address may not be asked, with `TimeoutError` where it takes too long, and with what `fetch` rejects
 * with elsewhere. Redirects are never followed: the answer is theirs. A body beyond the limit ends in an error while it is read.
 */
export type GuardedFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** The request was never sent. The message names host and reason and is fit for a log, not for a peer. */
export class FetchRefused extends Error {
  override readonly name = 'FetchRefused'
}
