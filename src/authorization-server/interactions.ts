// The steps of a sign-in that a person sees: who are you, and may this client act for you. Each ends in an answer to the library, which goes on
// from there.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InteractionDetails, Provider } from 'oidc-provider/lib/provider.js'
import type { Clock } from '../core/ports/clock.ts'
import type { PublicAddress } from '../core/ports/public-address.ts'
import type { Log } from '../core/ports/report.ts'
import { bareHost, isLoopback } from '../platform/net/loopback.ts'
import type { Accounts } from './accounts.ts'
import { type Consents, redirectHost } from './consents.ts'
import type { Forms } from './forms.ts'
import type { Journal } from './journal.ts'
import type { Library } from './library.ts'
import { addressOf, type Limits } from './limits.ts'
import type { AuthorizationObjects } from './objects.ts'
import { consentPage } from './pages/consent.ts'
import { endedPage } from './pages/errors.ts'
import { type Page, sendPage } from './pages/page.ts'
import { signInPage } from './pages/sign-in.ts'
import { newGrant } from './provider.ts'
import { LoginFailed, type ProviderLogin } from './provider-login.ts'
import { requestAs } from './requests.ts'
import { oidcScopes, type Resources } from './resources.ts'

export interface InteractionParts {
  readonly library: Library
  readonly provider: Provider
  readonly address: PublicAddress
  readonly objects: AuthorizationObjects
  readonly accounts: Accounts
  readonly consents: Consents
  readonly resources: Resources
  readonly forms: Forms
  readonly limits: Limits
  readonly journal: Journal
  readonly log: Log
  readonly clock: Clock
  readonly login: ProviderLogin | undefined
}

export interface Interactions {
  /** `step`: '', 'login', 'consent', 'provider' or 'signed-in'. `form`: of a POST. */
  serve(req: IncomingMessage, res: ServerResponse, uid: string, step: string, form: URLSearchParams | undefined): Promise<void>
  /** The way back from the identity provider. */
  comeBack(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void>
}

export function createInteractions(parts: InteractionParts): Interactions {
  const { library, provider, address, accounts, consents, resources, forms, limits, journal, log, login, objects } = parts
  const { pathname } = new URL(address.url)
  const base = pathname.replace(/\/+$/, '')

  const send = (res: ServerResponse, page: Page): void => sendPage(res, { base }, page)

  const detailsOf = async (req: IncomingMessage, res: ServerResponse, uid: string): Promise<InteractionDetails | undefined> => {
    try {
      const details = await provider.interactionDetails(requestAs(req, address, req.url ?? '/'), res)
      return details.uid === uid ? details : undefined
    } catch (error) {
      if (error instanceof library.errors.SessionNotFound) return undefined
      throw error
    }
  }

  const finish = (req: IncomingMessage, res: ServerResponse, result: Record<string, unknown>): Promise<void> =>
    provider.interactionFinished(requestAs(req, address, req.url ?? '/'), res, result)

  const askWho = async (
    req: IncomingMessage,
    res: ServerResponse,
    details: InteractionDetails,
    failed?: string,
    name?: string,
  ): Promise<void> => {
    const { clientName } = await nameOf(details)
    send(
      res,
      signInPage(
        { base },
        {
          uid: details.uid,
          formToken: forms.token(req, res, details.uid),
          provider: login?.host,
          passwords: login === undefined && (await accounts.hasOperator()),
          clientName,
          failed,
          name,
          leadsTo: leadsTo(details),
        },
      ),
    )
  }

  const signIn = async (req: IncomingMessage, res: ServerResponse, details: InteractionDetails, form: URLSearchParams): Promise<void> => {
    // Where a provider vouches for people, a password of before lets nobody past it.
    if (login !== undefined) return send(res, endedPage())
    const name = form.get('name') ?? ''
    const address = addressOf(req.socket.remoteAddress)
    const waitMs = Math.max(await limits.left('failure', address), await limits.wait('name', name.slice(0, 64).toLowerCase()))
    if (waitMs > 0) return askWho(req, res, details, `Too many attempts. Try again in ${Math.ceil(waitMs / 1000)} seconds.`, name)
    const account = await accounts.signIn(name, form.get('password') ?? '')
    journal.note({
      about: 'authenticate',
      allowed: account !== undefined,
      rule: 'password',
      subject: account?.subject,
      reason: account === undefined ? 'The name or password is wrong' : undefined,
    })
    if (account === undefined) {
      await limits.wait('failure', address)
      return askWho(req, res, details, 'The user name or the password is wrong.', name)
    }
    return finish(req, res, { login: { accountId: account.subject } })
  }

  const nameOf = async ({
    params,
  }: InteractionDetails): Promise<{ clientName: string; clientId: string; documentHost: string | undefined }> => {
    const clientId = String(params.client_id)
    const client = await provider.Client.find(clientId)
    const documentHost = clientId.startsWith('https://') ? new URL(clientId).host : undefined
    return { clientName: (client?.clientName ?? documentHost ?? clientId).slice(0, 80), clientId, documentHost }
  }

  const wanted = ({ params }: InteractionDetails) => {
    const resource = [params.resource].flat().find((one) => one !== undefined)
    const asked = String(params.scope ?? '').split(' ')
    const known = resource === undefined ? [] : resources.scopes(resource)
    return { resource, scopes: asked.filter((scope) => known.includes(scope)), oidc: asked.filter((scope) => oidcScopes.includes(scope)) }
  }

  const askConsent = async (req: IncomingMessage, res: ServerResponse, details: InteractionDetails): Promise<void> => {
    const account = await accounts.find(details.session?.accountId ?? '')
    if (account === undefined) return send(res, endedPage())
    const uri = String(details.params.redirect_uri)
    const page = consentPage(
      { base },
      {
        uid: details.uid,
        formToken: forms.token(req, res, details.uid),
        ...(await nameOf(details)),
        ...wanted(details),
        redirectHost: redirectHost(uri),
        local: isOfThisMachine(uri),
        accountName: account.name,
        leadsTo: leadsTo(details),
      },
    )
    send(res, page)
  }

  const answerConsent = async (
    req: IncomingMessage,
    res: ServerResponse,
    details: InteractionDetails,
    form: URLSearchParams,
  ): Promise<void> => {
    const subject = details.session?.accountId
    if (subject === undefined) return send(res, endedPage())
    const clientId = String(details.params.client_id)
    const { resource, scopes, oidc } = wanted(details)
    const noted = { about: 'consent' as const, subject, clientId, scopes: scopes.join(' ') }
    if (form.get('answer') !== 'allow') {
      journal.note({ ...noted, allowed: false, rule: 'person', reason: 'The person said no' })
      return finish(req, res, { error: 'access_denied', error_description: 'The person said no' })
    }
    const given = [...scopes, ...oidc]
    await consents.give(
      { subject, clientId, redirectHost: redirectHost(String(details.params.redirect_uri)), resource: resource ?? '' },
      given,
    )
    journal.note({ ...noted, allowed: true, rule: 'person' })
    const grant = await newGrant(provider, subject, clientId, resource, given)
    return finish(req, res, { consent: { grantId: grant.jti } })
  }

  const goToProvider = async (req: IncomingMessage, res: ServerResponse, details: InteractionDetails): Promise<void> => {
    if (login === undefined) return send(res, endedPage())
    let to: URL
    try {
      to = await login.begin(details.uid, forms.browser(req, res))
    } catch (error) {
      log('warn', 'The identity provider cannot be reached', { provider: login.host, error: String(error) })
      return askWho(req, res, details, `${login.host} cannot be reached now. Try again later.`)
    }
    redirect(res, to.href)
  }

  const signInAsVouched = async (req: IncomingMessage, res: ServerResponse, details: InteractionDetails): Promise<void> => {
    const came = await objects.take(vouchedModel, details.uid)
    if (came === undefined || came.browser !== forms.knownBrowser(req))
      return askWho(req, res, details, 'The sign-in did not work. Try again.')
    return finish(req, res, { login: { accountId: String(came.subject) } })
  }

  const steps: Readonly<Record<string, 'login' | 'consent'>> = {
    login: 'login',
    provider: 'login',
    'signed-in': 'login',
    consent: 'consent',
  }

  return {
    serve: async (req, res, uid, step, form) => {
      const details = await detailsOf(req, res, uid)
      if (details === undefined) return send(res, endedPage())
      const asks = details.prompt.name === 'login' ? 'login' : 'consent'
      if (step === '' && form === undefined) return asks === 'login' ? askWho(req, res, details) : askConsent(req, res, details)
      if (steps[step] !== asks) return send(res, endedPage())
      if (form === undefined) {
        if (step === 'provider') return goToProvider(req, res, details)
        return step === 'signed-in' ? signInAsVouched(req, res, details) : redirect(res, `${base}/oauth/interaction/${uid}`)
      }
      if (!forms.isOurs(req, uid, form.get('form_token'))) return send(res, endedPage())
      return step === 'login' ? signIn(req, res, details, form) : answerConsent(req, res, details, form)
    },
    comeBack: async (req, res, url) => {
      const browser = forms.knownBrowser(req)
      if (login === undefined || browser === undefined) return send(res, endedPage())
      try {
        const { uid, account } = await login.finish(url, browser)
        journal.note({ about: 'authenticate', allowed: true, rule: 'provider', subject: account.subject })
        await objects.put(vouchedModel, uid, { browser, subject: account.subject }, {}, vouchedMs)
        redirect(res, `${base}/oauth/interaction/${uid}/signed-in`)
      } catch (error) {
        if (!(error instanceof LoginFailed)) throw error
        journal.note({ about: 'authenticate', allowed: false, rule: 'provider', reason: error.message })
        send(res, endedPage())
      }
    },
  }
}

/** Who somebody is by the word of the provider, between two requests of one browser. */
const vouchedModel = 'Vouched'
const vouchedMs = 120_000

function redirect(res: ServerResponse, to: string): void {
  res.writeHead(303, { Location: to, 'Content-Length': '0', 'Cache-Control': 'no-store' }).end()
}

function isOfThisMachine(uri: string): boolean {
  const { protocol, hostname } = new URL(uri)
  return (protocol !== 'https:' && protocol !== 'http:') || isLoopback(bareHost(hostname))
}

/** Browsers hold the whole way of a form against the policy of its page, and its end is the client's address. */
function leadsTo({ params }: InteractionDetails): string {
  const { protocol, origin } = new URL(String(params.redirect_uri))
  return protocol === 'https:' || protocol === 'http:' ? origin : protocol
}
