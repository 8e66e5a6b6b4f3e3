// A client that registers at a gateway, and whose person allows it what it asks for: by the requests of the protocol alone.
import type { Browser } from '../../peers/browser.ts'
import { SdkLogin } from './sdk-login.ts'

export interface RegisteredClient {
  readonly id: string
  readonly refresh: string
  readonly access: string
  readonly code: string
  /** Where its person was sent to. */
  readonly authorization: URL
}

/** The challenge of RFC 7636, appendix B, and its verifier. */
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

/** `more`: parameters of the request beside the usual. */
export async function registeredClient(base: string, browser: Browser, more: Record<string, string> = {}): Promise<RegisteredClient> {
  const sdk = new SdkLogin(browser)
  const registered = await fetch(`${base}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sdk.clientMetadata),
  })
  const { client_id: id } = (await registered.json()) as { client_id: string }
  const common = { client_id: id, redirect_uri: sdk.redirectUrl }
  const query = new URLSearchParams({ ...common, response_type: 'code', code_challenge: challenge, code_challenge_method: 'S256', ...more })
  const authorization = new URL(`${base}/oauth/authorize?${query}`)
  await sdk.redirectToAuthorization(authorization)
  const { code } = sdk
  const issued = await tokenAt(base, { ...common, grant_type: 'authorization_code', code, code_verifier: verifier })
  const { refresh_token: refresh, access_token: access } = (await issued.json()) as { refresh_token: string; access_token: string }
  return { id, refresh, access, code, authorization }
}

export function tokenAt(base: string, fields: Record<string, string>): Promise<Response> {
  return fetch(`${base}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields) })
}

/** The status of another token for the refresh token that it got first. */
export async function renewedAt(base: string, { id, refresh }: RegisteredClient): Promise<number> {
  return (await tokenAt(base, { client_id: id, grant_type: 'refresh_token', refresh_token: refresh })).status
}
