// Who asks the admin door, and what they may do: the token of the gateway, or a caller as at the front door, to whom the configuration gives a role.
// A credential for MCP is none here: a token is for this door by its audience, `…/admin/v1`, or by what the configuration says of its issuer.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../core/call/principal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Gateway } from '../../core/ports/gateway.ts'
import { adminResource } from '../../core/ports/public-address.ts'
import type { Report } from '../../core/ports/report.ts'
import { PresentedByHttp } from '../http/presented.ts'
import { Problem } from './problem.ts'
import type { RefusedRequests, WhyRefused } from './refused.ts'
import { includes, type Role } from './role.ts'

export interface Operator {
  readonly role: Role
  /** Undefined of who shows the token of the gateway, or needs to show nothing. */
  readonly principal: Principal | undefined
  /** Names the credential in the audit, never its value; '' where none is needed. */
  readonly credential: string
}

/** Which callers have a role: those of whom all holds that is said. */
export interface RoleRule {
  /** In at least one of these. */
  readonly groups?: readonly string[] | undefined
  /** The credential has all of these. */
  readonly scopes?: readonly string[] | undefined
  /** One of these subjects. */
  readonly subjects?: readonly string[] | undefined
  /** Of one of these issuers. */
  readonly issuers?: readonly string[] | undefined
  readonly role: Role
}

export interface AdminAccess {
  /** Whoever shows it as a bearer token (RFC 6750 §2.1) is `admin`; undefined: there is none. */
  readonly token: string | undefined
  /** The first that holds of a caller is its role. With none, and without a token, whoever comes from this machine is `admin`. */
  readonly roles: readonly RoleRule[]
  /** Who a caller is, as at the front door. */
  readonly identify: Gateway['identify']
}

/** Rejects with a `Problem` where they are nobody here; `refusals` hears of it. */
export function whoAsks(access: AdminAccess, report: Report, refusals: RefusedRequests): (request: FastifyRequest) => Promise<Operator> {
  const { token, roles, identify } = access
  const shown = token === undefined ? undefined : digest(`Bearer ${token}`)
  const isOpen = shown === undefined && roles.length === 0
  const here: Operator = { role: 'admin', principal: undefined, credential: '' }
  const holder: Operator = { role: 'admin', principal: undefined, credential: 'admin.token' }
  return async (request) => {
    const { raw } = request
    const refused = (problem: Problem, why: WhyRefused, detail: string, principal?: Principal): Problem => {
      report.counters.add('admin_refused', { reason: why })
      refusals.note(raw, { why, principal, credential: principal?.credential ?? '', detail }, request)
      return problem
    }
    if (isOpen && isLocal(raw)) return here
    if (shown !== undefined && timingSafeEqual(digest(raw.headers.authorization ?? ''), shown)) return holder
    if (roles.length === 0) throw refused(unknown(access), 'unauthenticated', showsNothing(raw))
    const who = await identify(new PresentedByHttp(raw, 'http', adminResource))
    if ('fault' in who) throw refused(ofFault(access, who.fault, who.dpopNonce), 'unauthenticated', who.fault.message)
    const { principal } = who
    // Whoever shows nothing is nobody, whatever the front door lets them do.
    if (principal.kind === 'anonymous') throw refused(unknown(access), 'unauthenticated', showsNothing(raw))
    const role = roles.find((rule) => holds(rule, principal))?.role
    if (role !== undefined) return { role, principal, credential: principal.credential }
    const detail = 'No rule of `admin.roles` gives this caller a role.'
    throw refused(new Problem(403, 'Forbidden', detail), 'no_role', detail, principal)
  }
}

/** Throws a `Problem` where the address needs a role that the caller has not. */
export function mustHave(request: FastifyRequest, report: Report, refusals: RefusedRequests): void {
  const { role: has, principal, credential } = request.operator
  const { role } = request.routeOptions.config
  if (role === undefined || includes(has, role)) return
  report.counters.add('admin_refused', { reason: 'role' })
  const detail = `This needs the role ${role}; the caller is ${has}.`
  request.noted = true
  refusals.note(request.raw, { why: 'role', principal, credential, detail }, request)
  throw new Problem(403, 'Forbidden', detail, { members: { role } })
}

function holds({ groups, scopes, subjects, issuers }: RoleRule, principal: Principal): boolean {
  const { iss, sub } = principal
  return (
    (groups === undefined || groups.some((group) => principal.groups.includes(group))) &&
    (scopes === undefined || scopes.every((scope) => principal.scopes.includes(scope))) &&
    (subjects === undefined || subjects.includes(sub)) &&
    (issuers === undefined || issuers.includes(iss))
  )
}

/** Of who shows nothing that is known. */
function unknown({ token, roles }: AdminAccess): Problem {
  const own = 'The token of this door is in `admin.token` of `stateDir`; show it as `Authorization: Bearer …`.'
  const detail = token === undefined ? 'Show an access token as `Authorization: Bearer …`.' : own
  const also =
    token !== undefined && roles.length > 0 ? ' Access tokens of callers to whom `admin.roles` gives a role are taken as well.' : ''
  return new Problem(401, 'Unauthorized', detail + also, { headers: { 'www-authenticate': 'Bearer' } })
}

function ofFault(access: AdminAccess, { entry, message, challenge, retryAfterMs }: Fault, nonce: string | undefined): Problem {
  const headers = {
    ...(entry.status === 401 ? { 'www-authenticate': challenge ?? 'Bearer' } : {}),
    ...(nonce === undefined ? {} : { 'dpop-nonce': nonce }),
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
  }
  const status = entry.status >= 400 ? entry.status : 400
  const title = status === 401 ? 'Unauthorized' : status === 503 ? 'Identity unavailable' : 'Bad request'
  const detail = status === 401 && access.token !== undefined ? `${message} ${unknown(access).message}` : message
  return new Problem(status, title, detail, { headers })
}

function showsNothing({ headers }: IncomingMessage): string {
  return headers.authorization === undefined ? 'it shows no credential' : 'what it shows is unknown'
}

/** Of one length, whatever was shown. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The connection is of this machine: by loopback, or by a UNIX socket. */
function isLocal(req: IncomingMessage): boolean {
  const { remoteAddress } = new PresentedByHttp(req, 'http', adminResource)
  return remoteAddress === 'unix' || (remoteAddress !== undefined && /^(::ffff:)?127\.|^::1$/.test(remoteAddress))
}
