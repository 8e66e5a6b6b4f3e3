// What an issuer publishes of itself, fetched with the guard against addresses of our own network.
import type { JSONWebKeySet } from 'jose'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { isObject } from '../../core/protocol/is-object.ts'

/** Keys of one set. More are no key set but an attempt. */
const mostKeys = 200

/** Loads the key set of an issuer, by the address that is configured or by its metadata. The loader rejects where it cannot be had. */
export function keySetOf(fetch: GuardedFetch, issuer: string, jwksUri: string | undefined): () => Promise<JSONWebKeySet> {
  return async () => {
    const uri = jwksUri ?? textOf(await issuerMetadata(fetch, issuer), 'jwks_uri')
    const document = await json(fetch, uri)
    const keys = isObject(document) ? document.keys : undefined
    if (!Array.isArray(keys) || keys.length > mostKeys) throw new Error(`${uri} is no key set`)
    return { keys: keys.filter(isObject) as unknown as JSONWebKeySet['keys'] }
  }
}

/** Metadata of an issuer, whose own name in them must be the one asked for (RFC 8414 §3.3, OpenID Connect Discovery §4.3). */
export async function issuerMetadata(fetch: GuardedFetch, issuer: string): Promise<Readonly<Record<string, unknown>>> {
  const reasons: string[] = []
  for (const address of metadataAddresses(issuer)) {
    try {
      const document = await json(fetch, address)
      if (isObject(document) && document.issuer === issuer) return document
      reasons.push(`${address} is not the metadata of ${issuer}`)
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(reasons.join('; '))
}

function metadataAddresses(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const appended = `${origin}${path}/.well-known/openid-configuration`
  const inserted = `${origin}/.well-known/oauth-authorization-server${path}`
  return path === '' ? [inserted, appended] : [inserted, appended, `${origin}/.well-known/openid-configuration${path}`]
}

export function textOf(document: Readonly<Record<string, unknown>>, name: string): string {
  const value = document[name]
  if (typeof value !== 'string') throw new Error(`The metadata name no ${name}`)
  return value
}

async function json(guarded: GuardedFetch, address: string): Promise<unknown> {
  const answer = await guarded(address, { headers: { accept: 'application/json' } })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    throw new Error(`${address} answered ${answer.status}`)
  }
  return answer.json()
}
