// The token endpoint for workloads (RFC 7523 §2.1), the keys of platform tokens, and the metadata that lead to both (RFC 8414). For programs:
// no page of another origin has business here, but whoever verifies tokens may read the keys from anywhere.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WebPages } from '../door.ts'

export interface PlatformTokenParts {
  issuer(): string
  tokenEndpoint(): string
  jwksUri(): string
  /** Rejects where the store cannot be read. */
  keySet(): Promise<object>
  /** Absent: nothing is exchanged. Never rejects. */
  readonly exchange:
    | ((request: {
        readonly assertion: string
        readonly scope: string | undefined
        readonly resource: readonly string[]
      }) => Promise<
        | { readonly token: string; readonly expiresInS: number; readonly scopes: readonly string[] }
        | { readonly error: string; readonly description: string }
      >)
    | undefined
}

const ownPath = '/oauth/platform'
const wellKnown = '/.well-known/oauth-authorization-server'
const longestBody = 16_384
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export function platformTokenPages(parts: PlatformTokenParts): WebPages {
  const prefix = new URL(parts.issuer()).pathname.slice(0, -ownPath.length)
  const metadataPaths = [`${wellKnown}${ownPath}`, ...(prefix === '' ? [] : [`${wellKnown}${prefix}${ownPath}`])]
  return {
    paths: [ownPath, ...metadataPaths],
    serve: async (req, res) => {
      const path = req.url?.split('?', 1)[0] ?? ''
      if (metadataPaths.includes(path)) return read(req, res, async () => metadata(parts))
      if (path === `${ownPath}/jwks`) return read(req, res, () => parts.keySet())
      if (path === `${ownPath}/token` && parts.exchange !== undefined) return token(parts.exchange, req, res)
      answer(res, 404, { error: 'not_found', error_description: 'Nothing is served under that address' })
    },
  }
}

function metadata(parts: PlatformTokenParts): object {
  return {
    issuer: parts.issuer(),
    jwks_uri: parts.jwksUri(),
    response_types_supported: [],
    ...(parts.exchange === undefined
      ? { grant_types_supported: [] }
      : { token_endpoint: parts.tokenEndpoint(), grant_types_supported: [jwtBearer], token_endpoint_auth_methods_supported: ['none'] }),
  }
}

async function read(req: IncomingMessage, res: ServerResponse, document: () => Promise<object>): Promise<void> {
  const open = ['Access-Control-Allow-Origin', '*']
  if (req.method !== 'GET' && req.method !== 'HEAD') return answer(res, 405, { error: 'invalid_request' }, [...open, 'Allow', 'GET, HEAD'])
  let found: object
  try {
    found = await document()
  } catch {
    return answer(res, 503, { error: 'temporarily_unavailable' }, [...open, 'Retry-After', '5'])
  }
  answer(res, 200, found, [...open, 'Cache-Control', 'public, max-age=60'])
}

async function token(exchange: NonNullable<PlatformTokenParts['exchange']>, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const fresh = ['Cache-Control', 'no-store']
  if (req.method !== 'POST') return answer(res, 405, { error: 'invalid_request' }, ['Allow', 'POST'])
  const form = await formIn(req)
  if (form === undefined) return answer(res, 400, { error: 'invalid_request', error_description: 'The body is no form' }, fresh)
  if (form.getAll('grant_type').join(' ') !== jwtBearer) {
    return answer(res, 400, { error: 'unsupported_grant_type', error_description: `Only ${jwtBearer} is served here` }, fresh)
  }
  const assertions = form.getAll('assertion')
  const [assertion = ''] = assertions
  if (assertions.length !== 1 || assertion === '') {
    return answer(res, 400, { error: 'invalid_request', error_description: 'One assertion is needed' }, fresh)
  }
  const exchanged = await exchange({ assertion, scope: form.get('scope') ?? undefined, resource: form.getAll('resource') })
  if ('error' in exchanged) {
    const status = exchanged.error === 'temporarily_unavailable' ? 503 : 400
    return answer(res, status, { error: exchanged.error, error_description: exchanged.description }, fresh)
  }
  const { token: accessToken, expiresInS, scopes } = exchanged
  answer(res, 200, { access_token: accessToken, token_type: 'Bearer', expires_in: expiresInS, scope: scopes.join(' ') }, fresh)
}

/** Undefined where it is none, is too long, or the client went away. */
async function formIn(req: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(req.headers['content-type'] ?? '')) return undefined
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > longestBody) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

function answer(res: ServerResponse, status: number, body: object, more: readonly string[] = []): void {
  const text = JSON.stringify(body)
  res.writeHead(status, ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(text)), ...more]).end(text)
}
