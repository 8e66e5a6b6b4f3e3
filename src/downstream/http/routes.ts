// Which address of the front door a request is for. No URL parsing: the paths are few and plain.

export interface Route {
  readonly to: 'mcp' | 'sse' | 'message' | 'livez' | 'readyz' | 'nothing'
  /** '' for the aggregate. */
  readonly mount: string
}

/** What an address serves, as `Allow` says it. */
export function allowedAt({ to }: Route): string {
  switch (to) {
    case 'mcp':
      return 'GET, POST, DELETE, OPTIONS'
    case 'message':
      return 'POST, OPTIONS'
    case 'sse':
      return 'GET, OPTIONS'
    default:
      return 'GET, HEAD, OPTIONS'
  }
}

/** The path of `publicUrl`, below which a proxy serves the gateway: '' where there is none, else with no slash at the end. */
export function pathBelow(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '')
}

/** The target as it is below the path of `publicUrl`, which a proxy in front may have taken away, or left. */
export function withoutPrefix(target: string, below: string): string {
  const rest = target.slice(below.length)
  if (!target.startsWith(below) || !/^([/?]|$)/.test(rest)) return target
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Path and query of a target in absolute-form (RFC 9112 §3.2.2), with the host that it names; undefined for any other form. */
export function absoluteForm(target: string): { readonly host: string; readonly path: string } | undefined {
  const found = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(target)
  if (found === null) return undefined
  const [, host = '', path = ''] = found
  return { host, path: path.startsWith('/') ? path : `/${path}` }
}

/** One trailing slash is forgiven; the query is for the door behind. */
export function route(url: string): Route {
  const known = plain.get(url)
  if (known !== undefined) return known
  const query = url.indexOf('?')
  let path = query < 0 ? url : url.slice(0, query)
  if (path.length > 1 && path.endsWith('/')) path = path.slice(0, -1)
  if (path.startsWith('/mcp/')) return { to: 'mcp', mount: path.slice(5) }
  if (path.startsWith('/sse/')) return { to: 'sse', mount: path.slice(5) }
  return plain.get(path) ?? nothing
}

const nothing: Route = { to: 'nothing', mount: '' }

const plain: ReadonlyMap<string, Route> = new Map(
  (['mcp', 'sse', 'message', 'livez', 'readyz'] as const).map((to) => [`/${to}`, { to, mount: '' }]),
)
