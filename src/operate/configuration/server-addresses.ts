// Where HTTP servers are reached, and where the configuration says so.
import type { Settings } from '../../assembly/settings.ts'
import type { Path } from '../../platform/config/index.ts'

type Server = Settings['servers'][string]

export function addresses(path: Path, server: Server): { readonly path: Path; readonly url: URL }[] {
  const several = (server.endpoints ?? []).map((url, i) => ({ path: [...path, 'endpoints', i], url: new URL(url) }))
  return server.url === undefined ? several : [{ path: [...path, 'url'], url: new URL(server.url) }]
}
