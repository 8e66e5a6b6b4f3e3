// What a cloud offers to a machine that runs in it, on loopback: an endpoint that keeps what it was asked and answers as the test says, and an
// environment in which the vendors' libraries find nothing else.
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface Asked {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface CloudEndpoint {
  readonly url: string
  readonly asked: Asked[]
  stop(): Promise<void>
}

export type CloudAnswer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: unknown }

export async function cloudEndpoint(
  answer: (asked: Asked, url: string) => CloudAnswer | Promise<CloudAnswer>,
  tls?: { readonly cert: Buffer; readonly key: Buffer },
): Promise<CloudEndpoint> {
  const asked: Asked[] = []
  let url = ''
  const listener: RequestListener = (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', async () => {
      const one = { method: req.method ?? '', target: req.url ?? '', headers: req.headers, body: Buffer.concat(chunks).toString() }
      asked.push(one)
      const { status = 200, headers, body } = await answer(one, url)
      res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  }
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  url = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
  return {
    url,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Nothing of the machine: no file of a person, no metadata service, no tool of a developer. */
export function bareEnvironment(folder: string): Record<string, string> {
  return {
    HOME: folder,
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    AWS_EC2_METADATA_DISABLED: 'true',
    // The library tells by a warning of the process that later versions need a newer Node.js.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AZURE_TOKEN_CREDENTIALS: 'prod',
    CLOUDSDK_CONFIG: folder,
    METADATA_SERVER_DETECTION: 'none',
  }
}

/** As the metadata service of a container answers. */
export function awsKeyAnswer(key: { readonly id: string; readonly secret: string }, session: string, expiresMs: number): CloudAnswer {
  return {
    body: { AccessKeyId: key.id, SecretAccessKey: key.secret, Token: session, Expiration: new Date(expiresMs).toISOString() },
  }
}

/** As the metadata service of a machine at Google answers: an access token with the scopes that are asked for, or an ID token. */
export function googleMetadata(target: string, token: (asked: URLSearchParams) => unknown): CloudAnswer {
  const { pathname, searchParams } = new URL(target, 'http://metadata')
  const headers = { 'metadata-flavor': 'Google' }
  return /\/(token|identity)$/.test(pathname) ? { headers, body: token(searchParams) } : { headers, body: 'instance' }
}
