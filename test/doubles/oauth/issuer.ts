// An authorization server whose answers a test can bend: client_credentials, refresh tokens that rotate and end a grant when one comes twice,
// and any grant that a test answers itself. It counts, and keeps what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../../src/core/ports/clock.ts'

export interface TokenRequest {
  readonly params: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

/** What is answered in place of a token; undefined: the usual. */
export type Bend = (request: TokenRequest) => Reply | Promise<Reply | undefined> | undefined

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body: unknown
}

export interface TestIssuer {
  readonly url: string
  readonly requests: TokenRequest[]
  /** Life of an access token in seconds; 0: it does not say. */
  ttlSec: number
  bend: Bend | undefined
  metadata: Record<string, unknown>
  /** Whether an access token is good now. */
  isGood(token: string): boolean
  /** As if a user had consented: a refresh token of a new grant. */
  grant(): { readonly access: string; readonly refresh: string; readonly expiresAt: number }
  /** Ends an access token before its time. */
  revoke(token: string): void
  count(grantType: string): number
  stop(): Promise<void>
}

export async function testIssuer(clock: Clock): Promise<TestIssuer> {
  let made = 0
  const good = new Map<string, number>()
  const grants = new Map<string, { grant: number; used: boolean }>()
  const ended = new Set<number>()
  const issue = (): { access: string; expiresAt: number } => {
    made += 1
    const access = `access-${made}`
    const expiresAt = issuer.ttlSec === 0 ? Number.POSITIVE_INFINITY : clock.now() + issuer.ttlSec * 1_000
    good.set(access, expiresAt)
    return { access, expiresAt }
  }
  const refreshOf = (grant: number): string => {
    made += 1
    grants.set(`refresh-${made}`, { grant, used: false })
    return `refresh-${made}`
  }

  const usual = ({ params }: TokenRequest): Reply => {
    const life = issuer.ttlSec === 0 ? {} : { expires_in: issuer.ttlSec }
    const scope = params.get('scope')
    const common = { token_type: 'Bearer', ...life, ...(scope === null ? {} : { scope }) }
    if (params.get('grant_type') === 'refresh_token') {
      const known = grants.get(params.get('refresh_token') ?? '')
      if (known === undefined || ended.has(known.grant)) return { status: 400, body: { error: 'invalid_grant' } }
      if (known.used) {
        ended.add(known.grant)
        return { status: 400, body: { error: 'invalid_grant' } }
      }
      known.used = true
      return { body: { access_token: issue().access, refresh_token: refreshOf(known.grant), ...common } }
    }
    if (params.get('grant_type') === 'authorization_code') {
      made += 1
      return { body: { access_token: issue().access, refresh_token: refreshOf(made), ...common } }
    }
    return { body: { access_token: issue().access, ...common } }
  }

  const server = createServer((req, res) => {
    if (req.url?.startsWith('/.well-known/')) return void reply(res, { body: issuer.metadata })
    let text = ''
    req.on('data', (chunk) => {
      text += String(chunk)
    })
    req.on('end', async () => {
      const request = { params: new URLSearchParams(text), headers: req.headers }
      issuer.requests.push(request)
      reply(res, (await issuer.bend?.(request)) ?? usual(request))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: TestIssuer = {
    url,
    requests: [],
    ttlSec: 60,
    bend: undefined,
    metadata: {
      issuer: url,
      token_endpoint: `${url}/token`,
      authorization_endpoint: `${url}/authorize`,
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
    },
    isGood: (token) => (good.get(token) ?? 0) > clock.now(),
    grant: () => {
      made += 1
      const { access, expiresAt } = issue()
      return { access, refresh: refreshOf(made), expiresAt }
    },
    revoke: (token) => void good.delete(token),
    count: (grantType) => issuer.requests.filter(({ params }) => params.get('grant_type') === grantType).length,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return issuer
}

function reply(res: ServerResponse, { status = 200, headers = {}, body }: Reply): void {
  const isText = typeof body === 'string'
  res.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers })
  res.end(isText ? body : JSON.stringify(body))
}
