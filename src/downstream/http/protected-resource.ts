// Metadata of what is protected (RFC 9728): for each mount where its tokens come from and which scopes it knows. Anybody may read them, from
// any page; they say `publicUrl`, whatever the request says of its host.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { adminResource, type PublicAddress } from '../../core/ports/public-address.ts'
import type { WebPages } from '../door.ts'

export interface ProtectedResourceParts {
  readonly address: PublicAddress
  /** Servers and toolsets that have an address of their own, and `adminResource` where its tokens are taken. */
  readonly mounts: () => readonly string[]
  readonly authorizationServers: () => readonly string[]
  /** All scopes that a mount knows. */
  readonly scopes: (mount: string) => readonly string[]
  readonly dpopAlgorithms: readonly string[]
}

const wellKnown = '/.well-known/oauth-protected-resource'

export function protectedResourcePages(parts: ProtectedResourceParts): WebPages {
  return {
    paths: [wellKnown],
    serve: (req, res) => {
      const verb = req.method ?? ''
      if (verb === 'OPTIONS') return preflight(req, res)
      const mount = mountAt(parts, req)
      if (mount === undefined) return answer(res, 404, { error: 'Nothing is served under that address' })
      if (verb !== 'GET' && verb !== 'HEAD') return answer(res, 405, { error: 'These metadata are read with GET' }, ['Allow', allowed])
      return answer(res, 200, metadata(parts, mount), ['Cache-Control', 'public, max-age=60'])
    },
  }
}

const allowed = 'GET, HEAD, OPTIONS'

function metadata({ address, authorizationServers, scopes, dpopAlgorithms }: ProtectedResourceParts, mount: string): object {
  const known = scopes(mount).filter((scope) => scope !== 'offline_access')
  return {
    resource: address.resource(mount),
    authorization_servers: authorizationServers(),
    ...(known.length === 0 ? {} : { scopes_supported: known }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: dpopAlgorithms,
    resource_name: mount === '' ? 'Signalbox' : mount === adminResource ? 'Signalbox: admin API' : `Signalbox: ${mount}`,
  }
}

/** With and without the path of `publicUrl`, which a proxy may have taken away; the root form stands for the aggregate. */
function mountAt({ address, mounts }: ProtectedResourceParts, req: IncomingMessage): string | undefined {
  const path = (req.url ?? '').split('?', 1)[0]?.slice(wellKnown.length).replace(/\/$/, '') ?? ''
  const prefix = new URL(address.url).pathname.replace(/\/$/, '')
  const own = prefix !== '' && (path === prefix || path.startsWith(`${prefix}/`)) ? path.slice(prefix.length) : path
  if (own === '' || own === '/mcp') return ''
  const mount = own.startsWith('/mcp/') ? own.slice('/mcp/'.length) : own
  return mounts().includes(mount) && (own !== mount || own === adminResource) ? mount : undefined
}

function preflight(req: IncomingMessage, res: ServerResponse): void {
  const asked = req.headers['access-control-request-headers']
  const headers = ['Access-Control-Allow-Origin', '*', 'Access-Control-Allow-Methods', 'GET, HEAD', 'Access-Control-Max-Age', '600']
  if (asked !== undefined && /^[\w\-, ]{1,500}$/.test(asked)) headers.push('Access-Control-Allow-Headers', asked)
  res.writeHead(204, [...headers, 'Allow', allowed]).end()
}

function answer(res: ServerResponse, status: number, body: object, more: readonly string[] = []): void {
  const text = JSON.stringify(body)
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(text)),
    'Access-Control-Allow-Origin',
    '*',
  ]
  res.writeHead(status, [...headers, ...more]).end(text)
}
