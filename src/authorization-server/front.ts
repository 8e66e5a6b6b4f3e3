// Where the authorization server stands on the front door: which request is for a page of ours, which for the library, and in which form.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject } from '../core/protocol/is-object.ts'
import { type Accounts, isForAnyOperator, shortestPassword } from './accounts.ts'
import { normalizeMetadata } from './client-metadata.ts'
import { addressOf } from './limits.ts'
import { StoreUnavailable } from './objects.ts'
import { sendPage } from './pages/page.ts'
import { setupDone, setupOver, setupPage } from './pages/setup.ts'
import { style } from './pages/style.ts'
import type { AuthorizationServer, AuthorizationServerParts } from './parts.ts'
import { routes } from './provider.ts'
import { canonicalResources, completeAuthorization, readBody, requestAs } from './requests.ts'
import type { Running, RunningServer } from './running.ts'

export interface FrontParts extends AuthorizationServerParts {
  readonly accounts: Accounts
  readonly running: Running
}

const metadataPaths = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']

export function createFront(parts: FrontParts): AuthorizationServer['pages'] {
  const { address, running, accounts, settings, report } = parts
  const base = (): string => new URL(address.url).pathname.replace(/\/+$/, '')

  const pass = async (req: IncomingMessage, res: ServerResponse, path: string, body?: Buffer): Promise<void> =>
    (await running.current()).answer(requestAs(req, address, path, body), res)

  const bodyOf = async (req: IncomingMessage, res: ServerResponse): Promise<Buffer | undefined> => {
    const body = await readBody(req)
    if (body === undefined) refuse(res, 413, 'invalid_request', 'The body is too large')
    return body
  }

  const token = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = await bodyOf(req, res)
    if (body === undefined) return
    if (!isForm(req)) return pass(req, res, routes.token, body)
    const form = canonicalResources(new URLSearchParams(body.toString()), running.resources)
    return pass(req, res, routes.token, Buffer.from(form.toString()))
  }

  const register = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    res.setHeader('Access-Control-Allow-Origin', '*')
    const waitMs = await running.limits.wait('register', addressOf(req.socket.remoteAddress))
    if (waitMs > 0) {
      res.setHeader('Retry-After', String(Math.ceil(waitMs / 1000)))
      return refuse(res, 429, 'temporarily_unavailable', 'Too many clients were registered from this address; try again later')
    }
    const body = await bodyOf(req, res)
    if (body === undefined) return
    const sent = jsonIn(body)
    // What is no object is for the library to name.
    if (!isObject(sent)) return pass(req, res, routes.registration, body)
    const checked = normalizeMetadata(sent)
    if ('refused' in checked) {
      report.log('info', 'A client was not registered', { reason: checked.refused })
      return refuse(res, 400, checked.refused.includes('redirect') ? 'invalid_redirect_uri' : 'invalid_client_metadata', checked.refused)
    }
    return pass(req, res, routes.registration, Buffer.from(JSON.stringify(checked.metadata)))
  }

  const setup = async (req: IncomingMessage, res: ServerResponse, secret: string, { forms }: RunningServer): Promise<void> => {
    const form = req.method === 'POST' ? await formOf(req, res) : undefined
    if (req.method === 'POST' && form === undefined) return
    if (settings.login.oidc !== undefined || !(await accounts.linkIsGood(secret))) return sendPage(res, { base: base() }, setupOver)
    const show = (failed?: string, name?: string): void =>
      sendPage(
        res,
        { base: base() },
        setupPage(
          { base: base() },
          { secret, formToken: forms.token(req, res, 'setup'), failed, name, shortest: shortestPassword, first: !isForAnyOperator(secret) },
        ),
      )
    if (form === undefined) return show()
    const name = (form.get('name') ?? '').trim()
    const password = form.get('password') ?? ''
    if (!forms.isOurs(req, 'setup', form.get('form_token'))) return show('The form was not from this page. Fill it in again.', name)
    if (name === '' || name.length > 64) return show('Give a user name of at most 64 characters.', name)
    if (password.length < shortestPassword) return show(`The password needs at least ${shortestPassword} characters.`, name)
    if (password.length > 1_024) return show('The password is too long.', name)
    if (password !== form.get('again')) return show('The two passwords differ.', name)
    const created = await accounts.setPassword(secret, name, password)
    if (created) report.log('info', 'An operator was created, or has a new password', { name })
    return sendPage(res, { base: base() }, created ? setupDone : setupOver)
  }

  const formOf = async (req: IncomingMessage, res: ServerResponse): Promise<URLSearchParams | undefined> => {
    const body = await bodyOf(req, res)
    return body === undefined ? undefined : new URLSearchParams(isForm(req) ? body.toString() : '')
  }

  const people = async (req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> => {
    const [, , what = '', id = '', step = '', ...more] = url.pathname.split('/')
    if (more.length > 0) return refuse(res, 404, 'not_found', 'Nothing is served here')
    if (req.method !== 'GET' && req.method !== 'POST') return wrongVerb(res, 'GET, POST')
    const server = await running.current()
    if (what === 'setup' && step === '') return setup(req, res, id, server)
    if (what === 'login' && id === 'callback' && step === '')
      return server.interactions.comeBack(req, res, new URL(url.search, `${address.url}/oauth/login/callback`))
    if (what !== 'interaction' || id === '') return refuse(res, 404, 'not_found', 'Nothing is served here')
    const form = req.method === 'POST' ? await formOf(req, res) : undefined
    if (req.method === 'POST' && form === undefined) return
    return server.interactions.serve(req, res, id, step, form)
  }

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const url = new URL(req.url ?? '/', 'http://front')
    const known = metadataPaths.find((path) => url.pathname === path || (base() !== '' && url.pathname === `${path}${base()}`))
    if (known !== undefined) return pass(req, res, known)
    switch (url.pathname) {
      case '/oauth/style.css':
        return styles(res)
      case routes.authorization:
        if ((await running.limits.wait('authorize', addressOf(req.socket.remoteAddress))) > 0) return busy(res)
        return pass(req, res, `${routes.authorization}?${completeAuthorization(url.searchParams, running.resources)}`)
      case routes.token:
        return req.method === 'POST' ? token(req, res) : pass(req, res, routes.token)
      case routes.registration:
        if (req.method === 'OPTIONS') return preflight(res)
        return req.method === 'POST' && settings.dynamicRegistration ? register(req, res) : pass(req, res, routes.registration)
      case routes.jwks:
        return pass(req, res, routes.jwks)
      case routes.revocation: {
        const body = req.method === 'POST' ? await bodyOf(req, res) : undefined
        return req.method === 'POST' && body === undefined ? undefined : pass(req, res, routes.revocation, body)
      }
      default:
        // The library comes back to its own address once a person has answered.
        if (/^\/oauth\/authorize\/[\w-]+$/.test(url.pathname)) return pass(req, res, url.pathname)
        return people(req, res, url)
    }
  }

  return {
    paths: ['/oauth', ...metadataPaths],
    serve: async (req, res) => {
      try {
        await serve(req, res)
      } catch (error) {
        if (!(error instanceof StoreUnavailable) && !(error instanceof Error && error.name === 'KeysUnavailable')) throw error
        report.log('warn', 'The authorization server cannot answer', { reason: error.message })
        if (!res.headersSent) refuse(res, 503, 'temporarily_unavailable', 'The authorization server cannot be reached now')
      }
    },
  }
}

function isForm(req: IncomingMessage): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? '')
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function styles(res: ServerResponse): void {
  const body = Buffer.from(style)
  res.writeHead(200, {
    'Content-Type': 'text/css; charset=utf-8',
    'Content-Length': String(body.length),
    'Cache-Control': 'public, max-age=3600',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}

function preflight(res: ServerResponse): void {
  res.writeHead(204, {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'POST',
    'Access-Control-Allow-Headers': 'content-type, mcp-protocol-version',
    'Access-Control-Max-Age': '3600',
  })
  res.end()
}

/** Each request that begins a sign-in is kept for a while, so nobody may begin without end. */
function busy(res: ServerResponse): void {
  res.setHeader('Retry-After', '5')
  refuse(res, 429, 'temporarily_unavailable', 'Too many sign-ins were begun from this address; try again later')
}

function wrongVerb(res: ServerResponse, allow: string): void {
  res.setHeader('Allow', allow)
  refuse(res, 405, 'invalid_request', `Use ${allow}`)
}

/** RFC 6749 §5.2. */
function refuse(res: ServerResponse, status: number, error: string, description: string): void {
  const body = Buffer.from(JSON.stringify({ error, error_description: description }))
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': String(body.length), 'Cache-Control': 'no-store' })
  res.end(body)
}
