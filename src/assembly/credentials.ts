// Puts together what upstream credentials are got and kept with: grants, clients, links, and the files that they are read from.
import { readFile } from 'node:fs/promises'
import type { UpstreamId } from '../core/call/call.ts'
import { anonymous, type Principal } from '../core/call/principal.ts'
import type { Sealer } from '../core/call/seal.ts'
import { inBackground } from '../core/ports/boundary.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Credentials, Issued } from '../core/ports/credentials.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { Log, Report } from '../core/ports/report.ts'
import type { WebPages } from '../downstream/door.ts'
import { connectPages } from '../downstream/index.ts'
import { Clients } from '../gateway/credentials/clients.ts'
import { ConnectRequests } from '../gateway/credentials/connect-requests.ts'
import { durableGrants, type Grant } from '../gateway/credentials/grants.ts'
import { type EndedGrant, Revocation, UpstreamCredentials } from '../gateway/credentials/index.ts'
import { Linking, replacedReason } from '../gateway/credentials/linking.ts'
import { SignIn } from '../gateway/credentials/sign-in.ts'
import { staticCredentials } from '../gateway/credentials/static.ts'
import { ReplaceableFiles } from '../platform/config/replaceable-files.ts'
import { addressesOf } from '../upstream/settings.ts'
import type { Auth } from './auth.ts'
import { credentialsOf } from './guards.ts'
import type { Settings } from './settings.ts'

export interface CredentialParts {
  readonly settings: Settings
  readonly auth: Auth
  readonly durable: Durable
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly issued: Issued
  /** What fills the catalogue of a server has come, or may do more or less than before. */
  readonly discoverable: (server: UpstreamId) => void
  /** What a caller's credential may do at a server has changed. */
  readonly rescoped: (server: UpstreamId, principal: Principal) => void
}

export interface AssembledCredentials {
  readonly linking: Linking
  readonly clients: Clients
  readonly revocation: Revocation
  /** `server`: its settings, where they are not those in force. */
  of(id: UpstreamId, server?: Settings['servers'][string]): Credentials
  /** What was made by `of` and is used no more. */
  release(credentials: Credentials): void
  /** A caller was let in with a credential for the first time. */
  callerSeen(principal: Principal): void
  /** What the front door serves for users who link accounts, and for issuers that look who the gateway is. */
  pages(identify: Gateway['identify'], sealer: Sealer): readonly WebPages[]
  close(): void
}

export function assembleCredentials(parts: CredentialParts): AssembledCredentials {
  const { settings, auth, durable, clock, random, report } = parts
  const { vault, fetch, issuers, keys, address, decisions } = auth
  const grants = durableGrants(durable, vault, clock, random)
  const clients = new Clients({ durable, vault, clock, fetch, keys, address })
  const files = new ReplaceableFiles(clock)
  const readText = (file: string): Promise<string> => readFile(file, 'utf8')
  const abandoned = (grant: Grant, because: string): void => inBackground(report, 'credentials', revocation.tell(grant, because))
  const upstream = new UpstreamCredentials({
    grants,
    clients,
    fetch,
    issuers,
    clock,
    random,
    decisions,
    report,
    link: (server, principal, scopes) => linking.link(server, principal, scopes),
    issued: parts.issued,
    discoverable: parts.discoverable,
    rescoped: parts.rescoped,
    readText,
    abandoned,
    replaceable: (file) => files.of(file),
  })
  const revocation: Revocation = new Revocation({
    grants,
    clients,
    discovery: upstream.discovery,
    fetch,
    clock,
    client: ({ server, iss }) => {
      const own = settings.servers[server]?.auth
      return iss === 'discovery' ? own?.discovery : own
    },
    told: (ended) => noteEnded(decisions, report.log, clock, ended),
  })
  const linking: Linking = new Linking({
    requests: new ConnectRequests({ durable, vault, clock, random }),
    grants,
    sources: { discovery: upstream.discovery, clients, fetch, clock, readText, abandoned },
    serverOf: (id) => {
      const server = Object.hasOwn(settings.servers, id) ? settings.servers[id] : undefined
      const [own] = server === undefined ? [] : addressesOf(server)
      return server?.auth?.type === 'authorizationCode' && own !== undefined ? { address: own, auth: server.auth } : undefined
    },
    clock,
    random,
    publicUrl: () => address.url,
    replaced: (before) => abandoned(before, replacedReason),
    given: ({ tenant, server, iss, sub, issuer, resource }, scopes) => {
      upstream.changed({ tenant, server, iss, sub, issuer, resource })
      const refused = scopes.refused.length === 0 ? '' : ` (not given: ${scopes.refused.join(' ')})`
      const reason = `${issuer}: ${scopes.given.join(' ')}${refused}`
      const principal = { ...anonymous, tenant, iss, sub, kind: 'user' as const, method: 'oauth' as const }
      const about = { method: undefined, item: undefined, rule: `servers.${server}.auth`, credential: '', reason }
      decisions.note({ id: '', atMs: clock.now(), about: 'grant', allowed: true, principal, upstream: server, ...about })
    },
  })

  return {
    linking,
    clients,
    revocation,
    release: (made) => upstream.release(made),
    of: (id, server = settings.servers[id]) => {
      if (server === undefined) return staticCredentials({})
      if (server.command !== undefined) return staticCredentials({}, credentialsOf(server).length > 0)
      const [own] = addressesOf(server)
      if (server.auth === undefined || own === undefined) return staticCredentials(server.headers)
      return upstream.of({
        id,
        address: own,
        headers: server.headers,
        auth: server.auth,
        callMs: server.timeouts.call ?? settings.timeouts.call,
      })
    },
    callerSeen: (principal) => upstream.callerSeen(principal),
    pages: (identify, sealer) => {
      if (!Object.values(settings.servers).some(({ auth: own }) => own !== undefined && own.type !== 'none')) return []
      const signIn = new SignIn({
        discovery: upstream.discovery,
        issuers,
        clients,
        fetch,
        clock,
        random,
        configured: settings.connect.clients,
      })
      return [
        connectPages({
          publicUrl: () => address.url,
          identify,
          sealer,
          clock,
          random,
          find: (id) => linking.find(id),
          approval: (request) => linking.approval(request),
          begin: (request, browser) => linking.begin(request, browser),
          finish: (query, browser) => linking.finish(query, browser),
          signIn,
          document: () => clients.document(),
          keySet: () => clients.keySet(),
        }),
      ]
    },
    close: () => {
      upstream.close()
      files.close()
    },
  }
}

/** What became of a grant that is over, for the audit; the log has what an operator may have to do. */
function noteEnded(decisions: Decisions, log: Log, clock: Clock, { grant, because, issuer, reason }: EndedGrant): void {
  const { tenant, server, iss, sub, issuer: at } = grant.key
  const principal = sub === '' ? undefined : { ...anonymous, tenant, iss, sub, kind: 'user' as const, method: 'oauth' as const }
  const issuerText: Readonly<Record<EndedGrant['issuer'], string>> = {
    told: `${at} was told`,
    noEndpoint: `${at} cannot be told: it has no revocation endpoint`,
    noToken: 'there was no token',
    failed: `${at} could not be told: ${reason}`,
  }
  decisions.note({
    id: '',
    atMs: clock.now(),
    about: 'grant',
    allowed: false,
    principal,
    method: undefined,
    upstream: server,
    item: undefined,
    rule: `servers.${server}.auth`,
    credential: '',
    reason: `${because}; ${issuerText[issuer]}`,
  })
  if (issuer === 'failed') log('warn', 'An issuer could not be told that a grant is over', { upstream: server, issuer: at, reason })
}
