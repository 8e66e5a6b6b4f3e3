// Finds the servers in a client file, whichever client's it is, or says what the file is in their stead.
import { isObject } from '../../core/protocol/is-object.ts'
import { nearest } from '../../core/text/nearest.ts'
import { type Fields, looksLikeServer } from './mcp-json-entry.ts'
import type { Spelling } from './mcp-json-variables.ts'
import type { Path } from './problem.ts'

export interface Listed {
  readonly servers: readonly ListedServer[]
  readonly inputs: { readonly value: unknown; readonly path: Path } | undefined
  readonly spelling: Spelling
  /** Other places with servers that are not read. */
  readonly ignored: readonly Path[]
}

export interface ListedServer {
  /** Unique within the file. */
  readonly name: string
  readonly raw: unknown
  readonly path: Path
  /** Switched off outside its entry (`mcp.excluded` of Gemini CLI). */
  readonly off: boolean
  /** It has no name of its own in the file. */
  readonly nameless: boolean
}

/** A file without servers: what it is, and what to do. */
export interface Unlisted {
  readonly what: string
  readonly mend: string
}

export function findServers(root: unknown, file: string): Listed | Unlisted {
  if (Array.isArray(root)) return listed([{ path: [], value: root }], [], root, file)
  if (!isObject(root)) return noServers(root)
  const places = placesOf(root)
  if (places.length > 0) return listed(places, otherPlaces(root), root, file)
  if (looksLikeServer(root)) {
    return { what: 'is one server without a name', mend: 'write {"mcpServers": {"NAME": …}} around it' }
  }
  const { $schema: _, ...entries } = root
  return isBareMap(entries) ? listed([{ path: [], value: entries }], [], root, file) : noServers(root)
}

/** Names and servers without a word around them; a few entries may be odd. */
function isBareMap(entries: Fields): boolean {
  const values = Object.values(entries)
  const servers = values.filter(looksLikeServer).length
  return servers > 0 && servers >= values.filter((value) => typeof value === 'string').length
}

interface Place {
  readonly path: Path
  readonly value: Fields | readonly unknown[]
}

/** Where clients keep their servers, in the order in which they win; places that list some before those that list none. */
function placesOf(root: Fields): Place[] {
  const found: Place[] = []
  const look = (path: readonly string[], fits: (value: Fields | readonly unknown[]) => boolean = () => true): void => {
    const value = path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), root)
    if ((isObject(value) || Array.isArray(value)) && fits(value)) found.push({ path, value })
  }
  const has = (value: Fields | readonly unknown[]) => Object.values(value).some(looksLikeServer)
  look(['mcpServers'])
  look(['amp.mcpServers'])
  look(['context_servers'])
  look(['mcp_servers'])
  look(['servers'])
  look(['mcp', 'servers'])
  look(['mcp'], (value) => has(value) || String(root.$schema).includes('opencode'))
  look(['extensions'], has)
  return [
    ...found.filter((place) => Object.keys(place.value).length > 0),
    ...found.filter((place) => Object.keys(place.value).length === 0),
  ]
}

function otherPlaces(root: Fields): Path[] {
  const { projects } = root
  if (!isObject(projects)) return []
  return Object.entries(projects)
    .filter(([, project]) => isObject(project) && isObject(project.mcpServers) && Object.keys(project.mcpServers).length > 0)
    .map(([name]) => ['projects', name, 'mcpServers'])
}

function listed(places: readonly Place[], others: readonly Path[], root: unknown, file: string): Listed {
  const [place, ...rest] = places as [Place, ...Place[]]
  const fields = isObject(root) ? root : {}
  const inputsPath = place.path[0] === 'mcp' ? ['mcp', 'inputs'] : ['inputs']
  const inputs = place.path[0] === 'mcp' && isObject(fields.mcp) ? fields.mcp.inputs : fields.inputs
  const off = switchedOff(fields)
  return {
    servers: Array.isArray(place.value) ? ofList(place.value, place.path, off) : ofMap(place.value as Fields, place.path, off),
    inputs: inputs === undefined ? undefined : { value: inputs, path: inputsPath },
    spelling: spellingOf(place, file),
    ignored: [...rest.filter(({ value }) => Object.keys(value).length > 0).map(({ path }) => path), ...others],
  }
}

function ofMap(servers: Fields, path: Path, off: (name: string) => boolean): ListedServer[] {
  return Object.entries(servers).map(([name, raw]) => ({ name, raw, path: [...path, name], off: off(name), nameless: false }))
}

function ofList(servers: readonly unknown[], path: Path, off: (name: string) => boolean): ListedServer[] {
  const taken = new Set<string>()
  return servers.map((raw, index) => {
    const own = isObject(raw) ? [raw.name, raw.id].find((each) => typeof each === 'string' && each !== '') : undefined
    const nameless = typeof own !== 'string'
    const wanted = nameless ? `server-${index + 1}` : own
    const name = taken.has(wanted) ? `${wanted}-${index + 1}` : wanted
    taken.add(name)
    return { name, raw, path: [...path, index], off: off(name), nameless }
  })
}

/** `mcp.allowed` and `mcp.excluded` of Gemini CLI. */
function switchedOff(root: Fields): (name: string) => boolean {
  const { allowed, excluded } = isObject(root.mcp) ? root.mcp : ({} as Fields)
  return (name) =>
    (Array.isArray(excluded) && excluded.includes(name)) || (Array.isArray(allowed) && allowed.length > 0 && !allowed.includes(name))
}

function spellingOf({ path, value }: Place, file: string): Spelling {
  if (path[0] === 'mcp_servers' || path[0] === 'context_servers') return 'none'
  const entries = Object.values(value).filter(isObject)
  const says = (...keys: string[]) => entries.some((entry) => keys.some((key) => Object.hasOwn(entry, key)))
  if (path[0] === 'mcp' && (says('environment') || entries.some(({ command, type }) => Array.isArray(command) || type === 'remote'))) {
    return 'opencode'
  }
  const folders = file.split(/[\\/]/)
  const dollar = folders.includes('.gemini') || folders.includes('.copilot') || says('httpUrl', 'trust', 'includeTools', 'excludeTools')
  return dollar ? 'dollar' : 'braces'
}

function noServers(root: unknown): Unlisted {
  const what = 'holds no MCP servers'
  if (isObject(root)) {
    const other = otherPlaces(root)[0]
    if (other !== undefined) {
      return { what: `${what} but those of its projects`, mend: `put what stands under ${other.join('.')} into a file of its own` }
    }
    if (Array.isArray(root.packages) || Array.isArray(root.remotes)) {
      return { what: 'describes one server for the MCP registry; it is no configuration', mend: 'run with the file of a client' }
    }
    if (isObject(root.server) && (root.manifest_version !== undefined || root.dxt_version !== undefined)) {
      return {
        what: 'is the manifest of a desktop extension; it is no configuration',
        mend: 'write {"mcpServers": {"NAME": …}} with what stands under server.mcp_config',
      }
    }
    const words = ['mcpServers', 'servers', 'context_servers', 'mcp_servers']
    const near = Object.keys(root).find((key) => nearest(key, words).length > 0)
    const meant = near === undefined ? undefined : nearest(near, words)[0]
    if (meant !== undefined && meant !== near) return { what, mend: `did you mean ${meant} in place of ${near}?` }
    if (meant !== undefined)
      return { what: `${what}: \`${meant}\` is no mapping`, mend: 'write names and servers: {"NAME": {"command": …}}' }
  }
  return { what, mend: 'the file needs `mcpServers` or `servers`, a mapping of names to servers' }
}
