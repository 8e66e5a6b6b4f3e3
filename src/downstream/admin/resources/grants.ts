// `GET /admin/v1/grants` and `POST /admin/v1/grants/actions` with `{"action": "revoke", "server": "…"}`: what users and the gateway itself were granted
// at servers, and what people allowed clients of its own authorization server. Never a token.
import { z } from 'zod'
import { iso } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { Problem } from '../problem.ts'
import type { Resource } from '../resource.ts'

export interface GrantFilter {
  readonly server?: string | undefined
  readonly client?: string | undefined
  readonly principal?: string | undefined
}

/** At a server. Of one of the gateway itself `sub` is ''. */
export interface ServerGrant {
  readonly server: string
  readonly tenant: string
  readonly iss: string
  readonly sub: string
  readonly issuer: string
  readonly status: string
  readonly scopes: string
  readonly expiresMs: number | null
  readonly reason: string | null
  readonly updatedMs: number
}

/** To a client of the embedded authorization server. */
export interface ClientConsent {
  readonly subject: string
  readonly name: string
  readonly clientId: string
  readonly redirectHost: string
  readonly resource: string
  readonly scopes: string
  readonly givenMs: number
}

export interface GrantsEnded {
  readonly grants: number
  readonly consents: readonly ClientConsent[]
  readonly signIns: number
  /** Issuers that could not be told, for people. */
  readonly untold: readonly string[]
}

/** Each of them rejects with a `Problem` where the store is away. */
export interface Grants {
  list(filter: GrantFilter): Promise<{ readonly grants: readonly ServerGrant[]; readonly consents: readonly ClientConsent[] }>
  revoke(filter: GrantFilter): Promise<GrantsEnded>
}

const narrowed = {
  server: z.string().min(1).max(64).optional().describe('Grants at this server alone.'),
  client: z.string().min(1).max(2_000).optional().describe('What people allowed this client alone.'),
  principal: z.string().min(1).max(1_000).optional().describe('Of this subject alone.'),
}

const grant = z.object({
  of: z
    .enum(['server', 'client'])
    .describe('`server`: at a server; `client`: what a person allowed a client of the embedded authorization server.'),
  server: z.string().optional(),
  client: z.string().optional(),
  principal: z
    .object({ issuer: z.string().optional(), subject: z.string(), name: z.string().optional() })
    .nullable()
    .describe('Null of the gateway itself.'),
  issuer: z.string().optional(),
  status: z.string().optional(),
  resource: z.string().optional(),
  redirectHost: z.string().optional(),
  scopes: z.string(),
  expires: z.string().nullable().optional(),
  reason: z.string().nullable().optional(),
  at: z.string().describe('When it was given, or last changed.'),
})

type Shown = z.infer<typeof grant>

export const grants: Resource<{ readonly grants: Grants }> = (app, parts) => {
  app.get(
    '/admin/v1/grants',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'What users and the gateway were granted at servers, and what people allowed clients; never a token',
        querystring: pageQuery.extend(narrowed),
        response: { 200: pageShape('grants', grant) },
      },
    },
    async ({ query }) => {
      const { server, client, principal } = query
      const found = await parts.grants.list({ server, client, principal })
      const { page, ...next } = parts.cursors.page(query, {
        name: `grants ${JSON.stringify([server, client, principal])}`,
        entries: [...found.grants.map(ofServer), ...found.consents.map(ofClient)],
        key: ({ key }) => key,
      })
      return { grants: page.map(({ shown }) => shown), ...next }
    },
  )
  app.post(
    '/admin/v1/grants/actions',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Revoke grants at a server, or what people allowed a client; their issuers are told',
        body: z.strictObject({ action: z.literal('revoke'), ...narrowed }),
        response: {
          200: z.object({
            grants: z.number().int().describe('Grants at servers that were revoked.'),
            consents: z.number().int().describe('What people allowed clients, and was taken back.'),
            signIns: z.number().int().describe('Sign-ins of clients that ended.'),
            untold: z.array(z.string()).readonly().describe('Issuers that could not be told: they may take tokens until these end.'),
          }),
        },
      },
    },
    async (request) => {
      const { action, ...filter } = request.body
      const { server, client, principal } = filter
      if ((server ?? client ?? principal) === undefined) throw wrong('Say which: `server`, `client` or `principal`.')
      if (server !== undefined && client !== undefined)
        throw wrong('`server` is of grants at servers, `client` of what people allowed clients.')
      const ended = await parts.grants.revoke(filter)
      const { consents, signIns } = ended
      const result = `${ended.grants} grants at servers, ${consents.length} consents of ${JSON.stringify(filter)}`
      parts.operations.note(request, { about: 'grant', action, upstream: server, allowed: ended.grants + consents.length > 0, result })
      return { grants: ended.grants, consents: consents.length, signIns, untold: ended.untold }
    },
  )
}

function wrong(detail: string): Problem {
  return new Problem(400, 'Bad request', detail, { members: { errors: [{ pointer: '#', detail }] } })
}

interface Entry {
  readonly key: readonly string[]
  readonly shown: Shown
}

function ofServer({ server, tenant, iss, sub, issuer, status, scopes, expiresMs, reason, updatedMs }: ServerGrant): Entry {
  const principal = sub === '' ? null : { issuer: iss, subject: sub }
  const expires = expiresMs === null ? null : iso(expiresMs)
  return {
    key: ['server', server, tenant, iss, sub],
    shown: { of: 'server', server, principal, issuer, status, scopes, expires, reason, at: iso(updatedMs) },
  }
}

function ofClient({ subject, name, clientId, redirectHost, resource, scopes, givenMs }: ClientConsent): Entry {
  return {
    key: ['client', clientId, subject, redirectHost, resource],
    shown: { of: 'client', client: clientId, principal: { subject, name }, resource, redirectHost, scopes, at: iso(givenMs) },
  }
}
