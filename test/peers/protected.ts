// A real MCP server behind bearer tokens: in front of it stands what checks them, publishes the metadata of RFC 9728 and challenges.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startFixture } from './servers.ts'

export interface Protected {
  readonly url: string
  /** Of every request that came with one. */
  readonly tokens: string[]
  readonly seen: IncomingMessage[]
  refusals: number
  /** Tokens that it takes no longer. */
  readonly revoked: Set<string>
  /** Members of the metadata beside its own. */
  metadata: Record<string, unknown>
  close(): Promise<void>
}

export interface ProtectedOptions {
  readonly issuer: string
  readonly scopes?: readonly string[]
  /** Why a request with this token is refused; undefined: it passes. `resource`: what a token has to be for. */
  check(token: string, req: IncomingMessage, resource: string): Promise<string | undefined> | string | undefined
}

export async function startProtected(options: ProtectedOptions): Promise<Protected> {
  const inner = await startFixture()
  const { port } = inner
  const server = createServer((req, res) => {
    take(req, res).catch((error: unknown) => res.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const url = `${origin}/mcp`
  const made: Protected = {
    url,
    tokens: [],
    seen: [],
    refusals: 0,
    revoked: new Set(),
    metadata: {},
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await inner.stop()
    },
  }

  async function take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.url?.startsWith('/.well-known/oauth-protected-resource') === true) {
      const { scopes } = options
      const body = { resource: url, authorization_servers: [options.issuer], ...(scopes === undefined ? {} : { scopes_supported: scopes }) }
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...body, ...made.metadata }))
      return
    }
    made.seen.push(req)
    const token = /^(?:Bearer|DPoP) (.+)$/.exec(req.headers.authorization ?? '')?.[1]
    if (token !== undefined) made.tokens.push(token)
    const refused = token === undefined ? '' : made.revoked.has(token) ? 'invalid_token' : await options.check(token, req, url)
    if (refused !== undefined) {
      made.refusals += 1
      const error = refused === '' ? '' : `error="${refused}", `
      const challenge = `Bearer ${error}resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`
      req.resume()
      res.writeHead(refused === 'insufficient_scope' ? 403 : 401, { 'www-authenticate': challenge }).end()
      return
    }
    const { authorization: _, ...headers } = req.headers
    const passed = request(
      { host: '127.0.0.1', port, path: req.url, method: req.method, headers: { ...headers, host: `127.0.0.1:${port}` } },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
      },
    )
    passed.on('error', (error) => res.destroy(error))
    res.on('close', () => passed.destroy())
    req.pipe(passed)
  }

  return made
}
