// An issuer whose keys and tokens the test makes by hand: what a real one would never sign, and what it would not survive.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export type Claims = { readonly [K in keyof JWTPayload]?: JWTPayload[K] | undefined } & Record<string, unknown>

export interface TestIssuer {
  readonly issuer: string
  readonly jwksUri: string
  /** How often the key set was asked for. */
  readonly fetches: () => number
  /** Public keys as they are published now. */
  readonly published: Record<string, unknown>[]
  /** What requests are answered with in place of the documents; undefined: with the documents. */
  failing: number | undefined
  /** A token as RFC 9068 has it, for `aud`; members that are undefined are left out. */
  sign(claims: Claims, header?: Record<string, unknown>): Promise<string>
  /** A new key signs and is published; the old one is published no more. */
  rotate(): Promise<void>
  close(): Promise<void>
}

export interface IssuerPlace {
  /** Of `iss`, behind the origin. */
  readonly path: string
  /** Where its metadata are; nowhere else. */
  readonly metadata: string
}

const atRoot: IssuerPlace = { path: '', metadata: '/.well-known/oauth-authorization-server' }

export async function startIssuer(alg: 'ES256' | 'RS256' | 'EdDSA' = 'ES256', place: IssuerPlace = atRoot): Promise<TestIssuer> {
  let count = 0
  let generation = 0
  const server = createServer((req: IncomingMessage, res) => {
    if (req.url === '/jwks') count += 1
    const document =
      req.url === '/jwks'
        ? { keys: made.published }
        : req.url === place.metadata
          ? { issuer: made.issuer, jwks_uri: made.jwksUri }
          : undefined
    if (made.failing !== undefined || document === undefined) return void res.writeHead(made.failing ?? 404).end()
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = `${origin}${place.path}`
  let key: { kid: string; privateKey: Parameters<SignJWT['sign']>[0] }
  const rotate = async (): Promise<void> => {
    generation += 1
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    const kid = `key-${generation}`
    key = { kid, privateKey }
    made.published.splice(0, made.published.length, { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })
  }
  const made: TestIssuer = {
    issuer,
    jwksUri: `${origin}/jwks`,
    fetches: () => count,
    published: [],
    failing: undefined,
    sign: (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1_000)
      const standard = { iss: issuer, sub: 'alice', client_id: 'agent', jti: 'token-1', iat: now, exp: now + 300 }
      const whole = Object.fromEntries(Object.entries({ ...standard, ...claims }).filter(([, value]) => value !== undefined))
      return new SignJWT(whole).setProtectedHeader({ alg, kid: key.kid, typ: 'at+jwt', ...header }).sign(key.privateKey)
    },
    rotate,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  await rotate()
  return made
}
