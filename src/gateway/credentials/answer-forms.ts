// Token answers that deviate from RFC 6749 §5, brought to its form before a library reads them: what services in use are known to send.
import { isObject } from '../../core/protocol/is-object.ts'

type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Of a fetch for token endpoints. Nothing of a body is ever shown. */
export function withKnownForms(ask: Fetch): Fetch {
  return async (url, init) => {
    const answer = await ask(url, init)
    const text = await answer.text()
    const body = readBody(text, answer.headers.get('content-type') ?? '')
    const headers = new Headers(answer.headers)
    headers.delete('content-length')
    headers.delete('content-encoding')
    if (body === undefined) return new Response(text, { status: statusOf(answer), headers })
    headers.set('content-type', 'application/json')
    const sound = soundAnswer(body)
    // An error with a status of success: Slack, GitHub.
    const status = typeof sound.error === 'string' && answer.status < 400 ? 400 : statusOf(answer)
    return new Response(JSON.stringify(sound), { status, headers })
  }
}

/** A status without a body cannot be made with one. */
function statusOf({ status }: Response): number {
  return status === 204 || status === 205 || status === 304 || status < 200 ? 502 : status
}

/** JSON whatever the type says; a form where it is said to be one (GitHub without `Accept`). */
function readBody(text: string, type: string): Record<string, unknown> | undefined {
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return Object.fromEntries(new URLSearchParams(text))
  try {
    const body: unknown = JSON.parse(text)
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}

export function soundAnswer(body: Record<string, unknown>): Record<string, unknown> {
  const sound: Record<string, unknown> = { ...body }
  // Slack: `ok: false` with HTTP 200; the token of the user is in `authed_user`, that of an app beside it.
  if (sound.ok === false && typeof sound.error !== 'string') sound.error = 'invalid_request'
  if (isObject(sound.authed_user) && typeof sound.authed_user.access_token === 'string') {
    const { access_token, refresh_token, expires_in, scope } = sound.authed_user
    Object.assign(sound, { access_token, refresh_token, expires_in, scope })
  }
  if (typeof sound.error === 'string') sound.error = errorCode(sound.error)
  for (const name of ['refresh_token', 'scope', 'expires_in']) {
    if (sound[name] === null || sound[name] === undefined || sound[name] === '') delete sound[name]
  }
  // Slack: comma; some: a list.
  if (Array.isArray(sound.scope)) sound.scope = sound.scope.join(' ')
  if (typeof sound.scope === 'string' && !sound.scope.includes(' ')) sound.scope = sound.scope.replaceAll(',', ' ')
  const seconds = Number(sound.expires_in)
  if (sound.expires_in !== undefined && !(Number.isFinite(seconds) && seconds > 0)) delete sound.expires_in
  if (typeof sound.access_token === 'string') sound.token_type = tokenType(sound.token_type)
  // Who somebody is at the issuer is of no interest here, and its claims follow many dialects.
  delete sound.id_token
  return sound
}

/** `bot`, `user`, `Bearer`, none at all: all are used as bearer tokens. */
function tokenType(type: unknown): string {
  const known = typeof type === 'string' ? type.toLowerCase() : ''
  return known === 'dpop' || known === 'n_a' ? known : 'bearer'
}

/** GitHub: `bad_refresh_token`; Slack: `invalid_refresh_token`, `token_revoked`. */
function errorCode(code: string): string {
  return /^(bad_refresh_token|invalid_refresh_token|token_revoked|token_expired|bad_verification_code|invalid_code)$/.test(code)
    ? 'invalid_grant'
    : code
}
