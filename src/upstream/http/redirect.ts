// Where a redirect leads. Followed are 307 and 308 within one origin alone, which repeat the request as it is (RFC 9110 §15.4.8 and
// §15.4.9); any other would take the request, its body or its credential elsewhere.
import type { IncomingHttpHeaders } from 'node:http'
import { requestTarget } from '../wire/request-target.ts'

/** Redirects that one request follows. */
export const mostRedirects = 5

const longestAddress = 200

/** Path and query that a 307 or 308 of `origin` to a request for `path` leads to; undefined where it is not to be followed. */
export function followed(status: number, headers: IncomingHttpHeaders, origin: string, path: string): string | undefined {
  if (status !== 307 && status !== 308) return undefined
  const url = target(headers, origin, path)
  return url?.origin === origin ? requestTarget(url) : undefined
}

/** Address that a status of 3xx names, for people: without what may be secret in it. Undefined where it names none. */
export function redirectedTo(status: number, headers: IncomingHttpHeaders, origin: string, path: string): string | undefined {
  if (status < 300 || status >= 400) return undefined
  const url = target(headers, origin, path)
  return url === undefined ? undefined : `${url.protocol}//${url.host}${url.pathname}`.slice(0, longestAddress)
}

function target({ location }: IncomingHttpHeaders, origin: string, path: string): URL | undefined {
  const base = `${origin}${path}`
  return location !== undefined && URL.canParse(location, base) ? new URL(location, base) : undefined
}
