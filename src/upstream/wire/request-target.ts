/** What an HTTP request to this address asks for: path and query, no fragment (RFC 9112 §3.2.1, origin-form). */
export function requestTarget(url: URL): string {
  return url.pathname + url.search
}
