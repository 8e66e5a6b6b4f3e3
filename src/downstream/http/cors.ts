// Cross-origin headers for the pages that the guard let in (Fetch Standard, CORS protocol).
import type { IncomingMessage, ServerResponse } from 'node:http'

const allowed: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'baggage',
  'content-type',
  'dpop',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'signalbox-run',
  'signalbox-turn',
  'signalbox-tool-versions',
  'traceparent',
  'tracestate',
])

/** Lets the page of `origin` read the answer. */
export function allowOrigin(res: ServerResponse, origin: string): void {
  res.setHeader('Access-Control-Allow-Origin', origin)
  res.setHeader('Vary', 'Origin')
  res.setHeader('Access-Control-Expose-Headers', 'Mcp-Session-Id, WWW-Authenticate, Retry-After, DPoP-Nonce')
}

/** Answers OPTIONS. `allow`: what the address serves. `forwarded` are the client headers that some upstream opted in to. */
export function answerPreflight(req: IncomingMessage, res: ServerResponse, allow: string, forwarded: ReadonlySet<string>): void {
  const asked = req.headers['access-control-request-headers']
  const granted = (asked ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => allowed.has(name) || name.startsWith('mcp-param-') || forwarded.has(name))
  res.setHeader('Access-Control-Allow-Methods', allow.replace(', OPTIONS', ''))
  if (granted.length > 0) res.setHeader('Access-Control-Allow-Headers', granted.join(', '))
  res.setHeader('Access-Control-Max-Age', '600')
  res.writeHead(204, ['Allow', allow, 'Content-Length', '0'])
  res.end()
}
