// The documents of an issuer, as they are at its addresses: fetched with the guard against addresses of our own network, and held against the
// name that was asked for.
import type { JSONWebKeySet } from 'jose'
import { FetchRefused, type GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { type IssuerMetadata, MetadataFailure } from '../../core/ports/issuers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { webAddress } from '../../core/text/web-address.ts'

/** Keys of one set. More are no key set but an attempt. */
const mostKeys = 200

/**
 * Metadata of an issuer, whose own name in them must be the one asked for (RFC 8414 §3.3, OpenID Connect Discovery §4.3): what is of another is
 * passed over, since it may stand at the place of an issuer that shares its host. Rejects with `MetadataFailure`.
 */
export async function readMetadata(guarded: GuardedFetch, issuer: string): Promise<IssuerMetadata> {
  if (webAddress(issuer) === undefined) throw new MetadataFailure('refused', 'The issuer is no address of the web')
  let failure: MetadataFailure | undefined
  for (const place of placesOf(issuer)) {
    const found = await at(guarded, place)
    if ('document' in found && found.document.issuer === issuer) return found.document as IssuerMetadata
    const reason =
      'document' in found ? new MetadataFailure('refused', `the metadata of the issuer ${issuer} is of another issuer`) : found.failure
    // That nobody could be asked is said before that there was something else.
    if (failure === undefined || (failure.kind === 'refused' && reason?.kind === 'unavailable')) failure = reason ?? failure
  }
  throw failure ?? new MetadataFailure('refused', `the issuer ${issuer} publishes no metadata`)
}

/** Rejects where there is no key set. */
export async function readKeySet(guarded: GuardedFetch, address: string): Promise<JSONWebKeySet> {
  const answer = await guarded(address, { headers: { accept: 'application/json' } })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    throw new Error(`${address} answered ${answer.status}`)
  }
  const document: unknown = await answer.json()
  const keys = isObject(document) ? document.keys : undefined
  if (!Array.isArray(keys) || keys.length > mostKeys) throw new Error(`${address} is no key set`)
  return { keys: keys.filter(isObject) as unknown as JSONWebKeySet['keys'] }
}

/** In the order of the authorization specification of MCP. */
function placesOf(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ]
}

type Found = { readonly document: Readonly<Record<string, unknown>> } | { readonly failure: MetadataFailure | undefined }

const nothing: Found = { failure: undefined }

async function at(guarded: GuardedFetch, address: string): Promise<Found> {
  const { origin } = new URL(address)
  try {
    const answer = await guarded(address, { headers: { accept: 'application/json' } })
    if (answer.status !== 200) {
      await answer.body?.cancel()
      if (answer.status < 500 && answer.status !== 429) return nothing
      return {
        failure: new MetadataFailure(
          'unavailable',
          `The metadata of the issuer cannot be fetched: ${origin} answered with HTTP ${answer.status}`,
        ),
      }
    }
    const document: unknown = await answer.json()
    // Servers that answer every path with a page have no metadata there.
    return isObject(document) ? { document } : nothing
  } catch (error) {
    if (error instanceof SyntaxError) return nothing
    // The other addresses are of the same host.
    if (error instanceof FetchRefused)
      throw new MetadataFailure('refused', `The metadata of the issuer may not be fetched: ${error.message}`)
    throw new MetadataFailure('unavailable', `The metadata of the issuer cannot be fetched from ${origin}`)
  }
}
