// An issuer of access tokens for the benchmark: one key, its public half over HTTP, and tokens that last as long as a run.
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export async function startIssuer() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' }
  const server = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const issuer = `http://127.0.0.1:${server.address().port}`
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    token: (audience, subject = 'bench') => {
      const now = Math.floor(Date.now() / 1_000)
      return new SignJWT({ scope: 'bench:call', groups: ['g7', 'bench'], client_id: 'bench' })
        .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setSubject(subject)
        .setAudience(audience)
        .setJti(`${subject}-${now}`)
        .setIssuedAt(now)
        .setExpirationTime(now + 3_000)
        .sign(privateKey)
    },
  }
}

/** Rules as a team of fifty tools would have them; the one that grants the benchmark's tool is the last. */
export const fiftyRules = [
  ...Array.from({ length: 49 }, (_, n) => ({ groups: [`g${n}`], scopes: [`s${n}:read`], use: [`up/tool_${n}*`] })),
  { groups: ['bench'], scopes: ['bench:call'], use: ['up/*'] },
]
