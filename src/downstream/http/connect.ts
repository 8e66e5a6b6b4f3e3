// The pages at which a user links an account of a server (`/connect/{id}`): they find out who the browser's user is, show what will be asked
// for, send the browser to the issuer after a click and no sooner, and take its answer. A link works for the user that it was made for alone.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { principalKey } from '../../core/call/principal.ts'
import type { Sealer } from '../../core/call/seal.ts'
import { tenantKey } from '../../core/call/tenant-key.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Gateway } from '../../core/ports/gateway.ts'
import type { WebPages } from '../door.ts'
import { approvalPage, messagePage, type Page } from './connect-page.ts'
import { PresentedByHttp } from './presented.ts'

/** Whose link it is, and at which server. */
export interface LinkRequest {
  readonly server: string
  readonly tenant: string
  readonly iss: string
  readonly sub: string
}

export interface LinkApproval {
  readonly server: string
  readonly issuer: string
  readonly resource: string
  readonly scopes: readonly string[]
}

/** What the pages need of those who make links, keep grants and sign users in. Promises reject with an error whose message is fit for the user. */
export interface ConnectPagesParts<R extends LinkRequest = LinkRequest, S = unknown> {
  readonly publicUrl: () => string
  readonly identify: Gateway['identify']
  readonly sealer: Sealer
  readonly clock: Clock
  readonly random: Random
  find(id: string): Promise<R | undefined>
  approval(request: R): Promise<LinkApproval>
  /** Undefined where the link was used meanwhile. */
  begin(request: R, browser: string): Promise<URL | undefined>
  finish(query: URLSearchParams, browser: string | undefined): Promise<R>
  readonly signIn: {
    begin(issuer: string): Promise<{ readonly url: URL; readonly begun: S }>
    finish(begun: S, query: URLSearchParams): Promise<string>
  }
  document(): unknown
  keySet(): Promise<unknown>
}

/** How long a browser is known after a sign-in, and how long that may take, in ms. */
const knownMs = 600_000
/** Form bodies are one token. */
const mostBytes = 8_192
const purposes = { user: 'connect user/1', signIn: 'connect sign-in/1', form: 'connect form/1' } as const

export function connectPages<R extends LinkRequest, S>(parts: ConnectPagesParts<R, S>): WebPages {
  const pages = new Pages(parts)
  return { paths: ['/connect'], serve: (req, res) => pages.serve(req, res) }
}

class Pages<R extends LinkRequest, S> {
  private readonly parts: ConnectPagesParts<R, S>

  constructor(parts: ConnectPagesParts<R, S>) {
    this.parts = parts
  }

  async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (req.url ?? '').split('?', 2)
    const id = path.slice('/connect/'.length)
    const asked = new URLSearchParams(query)
    try {
      if (req.method === 'POST' && isId(id)) await this.approve(req, res, id)
      else if (req.method !== 'GET' && req.method !== 'HEAD')
        send(res, 405, messagePage('There is nothing here for this method.'), { allow: 'GET, HEAD, POST' })
      else if (id === 'client.json') json(res, this.parts.document())
      else if (id === 'jwks.json') json(res, await this.parts.keySet())
      else if (id === 'callback') await this.finish(req, res, asked)
      else if (id === 'signed-in') await this.signedIn(req, res, asked)
      else if (isId(id)) await this.show(req, res, id)
      else send(res, 404, unknownLink)
    } catch (error) {
      if (res.headersSent) throw error
      if (!(error instanceof Error) || error.name !== 'CredentialFailure') throw error
      send(res, 400, messagePage(`The account could not be linked: ${error.message}.`))
    }
  }

  private async show(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const request = await this.parts.find(id)
    if (request === undefined) return send(res, 404, unknownLink)
    const who = await this.userOf(req, request)
    if (who === 'another') return send(res, 403, anotherUser)
    if (who === 'unknown') return this.beginSignIn(res, request, id)
    const approval = await this.parts.approval(request)
    const browser = this.cookie(req, 'browser') ?? this.secret()
    const token = this.seal(purposes.form, { id, browser })
    send(res, 200, approvalPage(approval, `${this.parts.publicUrl()}/connect/${id}`, token), {
      'set-cookie': this.setCookie('browser', browser),
    })
  }

  private async approve(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const { origin } = req.headers
    if (origin !== undefined && origin !== new URL(this.parts.publicUrl()).origin) return send(res, 403, anotherSite)
    const form = new URLSearchParams(await bodyOf(req))
    const browser = this.cookie(req, 'browser')
    const sealed = this.open<{ readonly id: string; readonly browser: string }>(purposes.form, form.get('token') ?? '')
    if (browser === undefined || sealed?.id !== id || sealed.browser !== browser) return send(res, 403, anotherSite)
    const request = await this.parts.find(id)
    if (request === undefined) return send(res, 404, unknownLink)
    if ((await this.userOf(req, request)) !== 'same') return send(res, 403, anotherUser)
    const to = await this.parts.begin(request, browser)
    if (to === undefined) return send(res, 404, unknownLink)
    res.writeHead(303, { ...common, location: to.href }).end()
  }

  private async finish(req: IncomingMessage, res: ServerResponse, query: URLSearchParams): Promise<void> {
    const { server } = await this.parts.finish(query, this.cookie(req, 'browser'))
    send(res, 200, messagePage(`Your account at ${server} is linked. You can close this page and go on with your agent.`))
  }

  private async beginSignIn(res: ServerResponse, { iss }: R, id: string): Promise<void> {
    const { url, begun } = await this.parts.signIn.begin(iss)
    const cookie = this.setCookie('signin', this.seal(purposes.signIn, { id, begun }))
    res.writeHead(303, { ...common, location: url.href, 'set-cookie': cookie }).end()
  }

  private async signedIn(req: IncomingMessage, res: ServerResponse, query: URLSearchParams): Promise<void> {
    const kept = this.open<{ readonly id: string; readonly begun: S & { readonly issuer: string } }>(
      purposes.signIn,
      this.cookie(req, 'signin') ?? '',
    )
    if (kept === undefined) return send(res, 403, anotherSite)
    const sub = await this.parts.signIn.finish(kept.begun, query)
    const cookies = [this.setCookie('user', this.seal(purposes.user, { iss: kept.begun.issuer, sub })), this.setCookie('signin', '', 0)]
    res.writeHead(303, { ...common, location: `${this.parts.publicUrl()}/connect/${kept.id}`, 'set-cookie': cookies }).end()
  }

  /** By what the gateway sees in the request itself, or by a sign-in of a moment ago. */
  private async userOf(req: IncomingMessage, { tenant, iss, sub }: R): Promise<'same' | 'another' | 'unknown'> {
    const identified = await this.parts.identify(new PresentedByHttp(req, 'http', ''))
    if ('principal' in identified) {
      const { principal } = identified
      if (principalKey(principal) === tenantKey(tenant, iss, sub)) return 'same'
      // Whoever stands in front says who it is, and that is somebody else.
      if (principal.method !== 'anonymous') return 'another'
    }
    const known = this.open<{ readonly iss: string; readonly sub: string }>(purposes.user, this.cookie(req, 'user') ?? '')
    if (known === undefined || known.iss !== iss) return 'unknown'
    return known.sub === sub ? 'same' : 'another'
  }

  private seal(purpose: string, value: Record<string, unknown>): string {
    return this.parts.sealer.seal(Buffer.from(JSON.stringify({ ...value, exp: this.parts.clock.now() + knownMs })), purpose)
  }

  private open<T>(purpose: string, token: string): T | undefined {
    const plain = token === '' ? undefined : this.parts.sealer.open(token, purpose)
    if (plain === undefined) return undefined
    const value = JSON.parse(Buffer.from(plain).toString('utf8')) as T & { readonly exp: number }
    return value.exp > this.parts.clock.now() ? value : undefined
  }

  private secret(): string {
    return Buffer.from(this.parts.random.bytes(32)).toString('base64url')
  }

  /** Over https it is bound to this very host (RFC 6265bis §4.1.3.2). */
  private get isSecure(): boolean {
    return this.parts.publicUrl().startsWith('https:')
  }

  private nameOf(name: string): string {
    return `${this.isSecure ? '__Host-' : ''}signalbox-${name}`
  }

  private setCookie(name: string, value: string, maxAgeSec = knownMs / 1_000): string {
    return `${this.nameOf(name)}=${value}; Path=/; Max-Age=${maxAgeSec}; HttpOnly; SameSite=Lax${this.isSecure ? '; Secure' : ''}`
  }

  private cookie(req: IncomingMessage, name: string): string | undefined {
    const own = `${this.nameOf(name)}=`
    const found = (req.headers.cookie ?? '').split(/; */).find((one) => one.startsWith(own))
    const value = found?.slice(own.length)
    return value === '' ? undefined : value
  }
}

const unknownLink = messagePage(
  'This link is not valid any more: it was used, or is older than ten minutes. Ask your agent to call again for a new one.',
)
const anotherUser = messagePage('This link was made for another user. Nothing was linked.')
const anotherSite = messagePage('This request did not come from the page of this gateway. Nothing was linked. Open the link again.')

function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

/** What of a form is longer than any of ours is no form of ours. */
async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req) {
    text += String(chunk)
    if (text.length > mostBytes) return ''
  }
  return text
}

const common = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

function send(res: ServerResponse, status: number, page: Page, more: Readonly<Record<string, string>> = {}): void {
  res
    .writeHead(status, { ...common, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': page.policy, ...more })
    .end(page.html)
}

function json(res: ServerResponse, value: unknown): void {
  res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' })
  res.end(JSON.stringify(value))
}
