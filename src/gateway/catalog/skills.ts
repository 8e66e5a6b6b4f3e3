// Where skills stand on a mount (Agent Skills over MCP, SEP-2640). A skill is known by its server and the URI of its SKILL.md, and its files
// are resources below the same directory. URIs stay what they are; only where two servers have one, the path of the later server's skill
// begins with the name of that server. Contents and digests are never touched.
import type { UpstreamId } from '../../core/call/call.ts'
import type { Edit } from '../../core/call/payload.ts'

/** A skill: the URI of its SKILL.md and those of the files that its entry lists. */
export interface Skill {
  readonly name: string
  readonly files: readonly string[]
}

const manifest = '/SKILL.md'

/** The directory of a skill, by the URI of its SKILL.md. */
export function directoryOf(uri: string): string {
  return uri.slice(0, -manifest.length)
}

/** What of an entry of the right shape would lead out of its skill. `files` are the URIs of its resources. */
export function strayFile(uri: string, files: readonly string[]): { readonly path: string; readonly reason: string } | undefined {
  if (!uri.endsWith(manifest) || uri.length <= schemeEnd(uri) + manifest.length || climbs(uri)) {
    return { path: '/uri', reason: 'must end in /SKILL.md, in a directory that has a name' }
  }
  const inside = uri.slice(0, 1 - manifest.length)
  const index = files.findIndex((file) => !file.startsWith(inside) || climbs(file))
  return index < 0 ? undefined : { path: `/resources/${index}/uri`, reason: 'is not in the directory of its skill' }
}

/** Whether a URI has segments by which a server may leave the path that it begins with. */
export function climbs(uri: string): boolean {
  return /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?=[/\\?#]|%2f|%5c|$)/i.test(uri)
}

/** `skill://refunds/SKILL.md` of the server `two` as `skill://two/refunds/SKILL.md`. */
export function prefixed(server: UpstreamId, uri: string): string {
  const at = schemeEnd(uri)
  return `${uri.slice(0, at)}${server}/${uri.slice(at)}`
}

/** The server that the path of a URI begins with, and the URI as that server knows it. */
export function unprefixed(
  uri: string,
  servers: ReadonlySet<UpstreamId>,
): { readonly server: UpstreamId; readonly own: string } | undefined {
  const at = schemeEnd(uri)
  const slash = uri.indexOf('/', at)
  if (at === 0 || slash < 0) return undefined
  const server = uri.slice(at, slash)
  return servers.has(server) ? { server, own: uri.slice(0, at) + uri.slice(slash + 1) } : undefined
}

/** `uri`, moved as `from` was moved to `to` by prefixes: those that `to` has more are put in, those that `from` has more are taken out. */
export function moved(uri: string, from: string, to: string): string {
  const at = schemeEnd(from)
  if (from === to || uri.slice(0, at) !== from.slice(0, at)) return uri
  const more = to.length - from.length
  return uri.slice(0, at) + (more > 0 ? to.slice(at, at + more) + uri.slice(at) : uri.slice(at - more))
}

/** The edits that move an entry and all its files. */
export function entryEdits({ name, files }: Skill, visible: string): readonly Edit[] {
  const set = (path: Edit['path'], uri: string): Edit => ({ path, value: JSON.stringify(moved(uri, name, visible)) })
  return [set(['uri'], name), ...files.map((file, index) => set(['resources', index, 'uri'], file))]
}

/** After `scheme://`, or `scheme:` where no authority follows; 0 for what is no absolute URI. */
function schemeEnd(uri: string): number {
  return /^[A-Za-z][A-Za-z0-9+.-]{0,63}:(?:\/\/)?/.exec(uri)?.[0].length ?? 0
}

/** What one server shows on a mount. */
export interface ShownOf {
  readonly server: UpstreamId
  readonly skills: readonly Skill[]
  readonly resources: readonly { readonly name: string }[]
}

export interface Places {
  /** The URI under which a mount shows a skill. */
  visible(skill: Skill): string
  /** The server whose a URI is because a skill or resource of it has it. */
  ownerOf(uri: string): UpstreamId | undefined
}

const noPlaces: Places = { visible: ({ name }) => name, ownerOf: () => undefined }

/**
 * Gives each skill its place, server by server. One of whose URIs an earlier server has is moved; `lost` hears of it. A URI is a server's
 * by a listed resource or by a file of a listed skill.
 */
export function placeSkills(shown: readonly ShownOf[], lost: (name: string, owner: UpstreamId, loser: UpstreamId) => void): Places {
  if (!shown.some(({ skills }) => skills.length > 0)) return noPlaces
  const owners = new Map<string, UpstreamId>()
  const visible = new Map<Skill, string>()
  for (const { server, skills, resources } of shown) {
    for (const skill of skills) {
      let place = skill.name
      const rival = (): UpstreamId | undefined => rivalOf(skill, place, owners)
      const owner = rival()
      if (owner !== undefined) lost(skill.name, owner, server)
      while (rival() !== undefined) place = prefixed(server, place)
      visible.set(skill, place)
    }
    for (const skill of skills) for (const file of placesOf(skill, visible.get(skill) ?? skill.name)) claim(owners, file, server)
    for (const resource of resources) claim(owners, resource.name, server)
  }
  return { visible: (skill) => visible.get(skill) ?? skill.name, ownerOf: (uri) => owners.get(uri) }
}

function claim(owners: Map<string, UpstreamId>, uri: string, server: UpstreamId): void {
  if (!owners.has(uri)) owners.set(uri, server)
}

function rivalOf(skill: Skill, place: string, owners: ReadonlyMap<string, UpstreamId>): UpstreamId | undefined {
  for (const uri of placesOf(skill, place)) {
    const owner = owners.get(uri)
    if (owner !== undefined) return owner
  }
  return undefined
}

/** The URIs of a skill and its files where the skill stands at `place`. */
function placesOf(skill: Skill, place: string): readonly string[] {
  return [place, ...skill.files.map((file) => moved(file, skill.name, place))]
}
