// Requests on their way to the library, in the form that it needs: under the public address whatever the request says of itself, with the
// resource in the one spelling, and with a scope.
import { IncomingMessage } from 'node:http'
import type { PublicAddress } from '../core/ports/public-address.ts'
import { baseScope, isSignIn, type Resources } from './resources.ts'

/** Largest body in bytes; the forms and registrations that clients send are far smaller. */
const bodyBytes = 65_536

/** Undefined where it is too large; rejects where the client went away. */
export async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The same request with another path and body. Forwarded headers are those of the public address, never the client's. */
export function requestAs(req: IncomingMessage, address: PublicAddress, path: string, body?: Buffer): IncomingMessage {
  const { protocol, host, pathname } = new URL(address.url)
  const made = new IncomingMessage(req.socket)
  const kept = Object.entries(req.headers).filter(([name]) => !/^(forwarded|x-forwarded-.*|content-length|transfer-encoding)$/.test(name))
  made.headers = {
    ...Object.fromEntries(kept),
    host,
    'x-forwarded-proto': protocol.slice(0, -1),
    'x-forwarded-host': host,
    ...(body === undefined ? {} : { 'content-length': String(body.length) }),
  }
  made.method = req.method ?? 'GET'
  made.url = path
  made.httpVersion = req.httpVersion
  made.httpVersionMajor = req.httpVersionMajor
  made.httpVersionMinor = req.httpVersionMinor
  // What the proxy in front has cut off stands in the addresses that the library makes.
  Object.assign(made, { originalUrl: `${pathname.replace(/\/+$/, '')}${path}` })
  if (body !== undefined) made.push(body)
  // Else its end would be taken for that of the connection.
  made.complete = true
  made.push(null)
  return made
}

/** Of an authorization request: a resource where none is named, and all that may be had of it where no scope is. */
export function completeAuthorization(query: URLSearchParams, resources: Resources): URLSearchParams {
  const completed = canonicalResources(query, resources)
  const asked = completed.get('scope')?.split(' ').filter(Boolean) ?? []
  if (!completed.has('resource')) {
    if (isSignIn(asked)) return completed
    completed.append('resource', resources.fallback)
  }
  const scopes = asked.length > 0 ? asked : completed.getAll('resource').flatMap((resource) => resources.scopes(resource))
  if (!completed.has('scope') || completed.getAll('scope').length === 1)
    completed.set('scope', [...new Set([baseScope, ...scopes])].join(' '))
  return completed
}

/** What is none of ours stays as it was sent, and is refused by that name. */
export function canonicalResources(sent: URLSearchParams, resources: Resources): URLSearchParams {
  const canonical = new URLSearchParams()
  for (const [name, value] of sent) canonical.append(name, name === 'resource' ? (resources.canonical(value) ?? value) : value)
  return canonical
}
