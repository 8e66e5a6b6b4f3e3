// Proofs of possession towards a server (RFC 9449 §4): a JWT for each request, signed at once with the key that the token is bound to.
import { createHash, createPrivateKey, type JsonWebKey, sign } from 'node:crypto'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { RequestProof } from '../../core/ports/credentials.ts'

export function proofOf(boundTo: Readonly<Record<string, unknown>>, token: string, clock: Clock, random: Random): RequestProof {
  const key = createPrivateKey({ key: boundTo as JsonWebKey, format: 'jwk' })
  const { kty, crv, x, y } = boundTo
  const head = encoded({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } })
  const ath = createHash('sha256').update(token).digest('base64url')
  let nonce: string | undefined
  return {
    headers: (method, address) => {
      const { origin, pathname } = new URL(address)
      const claims = {
        jti: random.id(),
        htm: method,
        htu: `${origin}${pathname}`,
        iat: Math.floor(clock.now() / 1_000),
        ath,
        ...(nonce === undefined ? {} : { nonce }),
      }
      const text = `${head}.${encoded(claims)}`
      return { dpop: `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}` }
    },
    nonce: (value) => {
      const isNew = nonce !== value
      nonce = value
      return isNew
    },
  }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
