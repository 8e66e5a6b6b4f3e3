// An authorization server on a real listener of loopback with a store in memory, and what a client does with it, by hand.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { authorizationDomain, createAuthorizationServer } from '../../../src/authorization-server/index.ts'
import { embeddedSettings } from '../../../src/authorization-server/settings.ts'
import type { Clock } from '../../../src/core/ports/clock.ts'
import type { Decision } from '../../../src/core/ports/decisions.ts'
import type { Durable } from '../../../src/core/ports/durable.ts'
import type { Ephemeral } from '../../../src/core/ports/ephemeral.ts'
import type { GuardedFetch } from '../../../src/core/ports/guarded-fetch.ts'
import { publicAddress } from '../../../src/core/ports/public-address.ts'
import type { Report } from '../../../src/core/ports/report.ts'
import type { SigningKeys } from '../../../src/core/ports/signing-keys.ts'
import { systemClock } from '../../../src/platform/clock/system-clock.ts'
import { createIssuers } from '../../../src/platform/issuers/issuers.ts'
import { createSigningKeys, signingKeysDomain } from '../../../src/platform/keys/signing-keys.ts'
import { createGuardedFetch } from '../../../src/platform/net/guarded-fetch.ts'
import { systemRandom } from '../../../src/platform/random/system-random.ts'
import { createMemoryEphemeral } from '../../../src/platform/store/memory/ephemeral.ts'
import { createVault } from '../../../src/platform/vault/envelope.ts'
import { Browser, type Shown } from '../../peers/browser.ts'
import { testDurable } from '../durable.ts'

export interface RigOptions {
  readonly settings?: Record<string, unknown>
  readonly scopes?: Readonly<Record<string, readonly string[]>>
  readonly fetch?: GuardedFetch
  readonly requireDpopNonce?: boolean
  /** By which keys of issuers age. */
  readonly issuersClock?: Clock
  /** Where it says that it is; by default where it listens. */
  readonly publicUrl?: string
  /** Store, vault and keys of another one: a replica, or the same after a restart. */
  readonly like?: { readonly durable: Durable; readonly keys: SigningKeys }
  readonly keys?: SigningKeys
  readonly ephemeral?: Pick<Ephemeral, 'take'>
}

export const password = 'correct horse battery'

export type Rig = Awaited<ReturnType<typeof startRig>>

export async function startRig(options: RigOptions = {}) {
  let server: ReturnType<typeof createAuthorizationServer> | undefined
  const http = createServer((req, res) => {
    server?.pages.serve(req, res).catch((error: unknown) => {
      bugs.push(error)
      res.destroy()
    })
  })
  const bugs: unknown[] = []
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const here = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const base = options.publicUrl ?? here
  const logged: { severity: string; event: string; fields: unknown }[] = []
  const report: Report = {
    log: (severity, event, fields) => void logged.push({ severity, event, fields }),
    counters: { add: () => undefined },
  }
  const durable =
    options.like?.durable ??
    testDurable({
      domains: [signingKeysDomain, authorizationDomain],
      clock: systemClock,
      report,
    })
  const vault = createVault([Buffer.alloc(32, 7)], systemRandom)
  const keys = options.keys ?? options.like?.keys ?? createSigningKeys({ durable, vault, clock: systemClock, random: systemRandom })
  const decisions: Decision[] = []
  const guarded = createGuardedFetch({ trusted: [], loopback: true })
  const reach = options.fetch ?? guarded.fetch
  server = createAuthorizationServer({
    settings: embeddedSettings.parse(options.settings ?? {}),
    requireDpopNonce: options.requireDpopNonce ?? false,
    address: publicAddress(() => base),
    durable,
    ephemeral: options.ephemeral ?? createMemoryEphemeral(systemClock, report),
    vault,
    keys,
    fetch: reach,
    issuers: createIssuers({ fetch: reach, clock: options.issuersClock ?? systemClock, report }),
    decisions: { note: (decision) => void decisions.push(decision) },
    clock: systemClock,
    random: systemRandom,
    report,
    mounts: () => ['tracker', 'files'],
    scopes: (mount) => options.scopes?.[mount] ?? [],
  })
  const authorization = server

  /** At the public address, whose requests come here. */
  const browser = (through: typeof fetch = (url, init) => fetch(String(url).replace(base, here), init)): Browser =>
    new Browser({ within: base, through })

  const rig = {
    base,
    here,
    durable,
    keys,
    decisions,
    logged,
    bugs,
    server: authorization,
    close: async () => {
      authorization.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await guarded.close()
      if (options.like === undefined) await durable.close()
    },
    send: (path: string, init: RequestInit = {}) => fetch(`${here}${path}`, { redirect: 'manual', ...init }),
    form: (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
      rig.send(path, { method: 'POST', body: new URLSearchParams(fields), headers }),
    register: async (metadata: Record<string, unknown>) => {
      const answer = await rig.send('/oauth/register', {
        method: 'POST',
        body: JSON.stringify(metadata),
        headers: { 'content-type': 'application/json' },
      })
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
    },
    /** A public client with one redirect address; gives its id. */
    client: async (metadata: Record<string, unknown> = {}): Promise<string> => {
      const { status, body } = await rig.register({
        client_name: 'Probe',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
        ...metadata,
      })
      if (status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`)
      return String(body.client_id)
    },
    browser,
    /** Follows the one-time link. */
    operator: async (name = 'ada'): Promise<void> => {
      const link = await authorization.setupLink()
      if (link === undefined) throw new Error('There is no link')
      const window = browser()
      const page = await window.open(new URL(link).pathname)
      const done = await window.submit(page, { name, password, again: password })
      if (!done.text.includes('The operator is there')) throw new Error(`no operator: ${done.text}`)
    },
    /** From the authorization request to the answer at the client, signing in and consenting on the way. */
    authorize: async (request: Record<string, string | undefined>, window = browser()) => {
      const verifier = randomBytes(32).toString('base64url')
      const all = {
        response_type: 'code',
        redirect_uri: redirectUri,
        state: 'state-1',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...request,
      }
      const query = new URLSearchParams(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
      const pages: Shown[] = []
      let at = await window.open(`/oauth/authorize?${query}`)
      for (let step = 0; step < 4 && at.status !== 0; step += 1) {
        pages.push(at)
        if (/name="password"/.test(at.text)) at = await window.submit(at, { name: 'ada', password })
        else if (/value="allow"/.test(at.text)) at = await window.submit(at, { answer: 'allow' })
        else break
      }
      return { at, pages, verifier, browser: window, code: at.url.searchParams.get('code') ?? '' }
    },
    token: async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
      const answer = await rig.form('/oauth/token', fields, headers)
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> }
    },
    /** A whole flow for a client; gives the answer of the token endpoint. */
    tokens: async (clientId: string, request: Record<string, string> = {}, window?: Browser) => {
      const { code, verifier, at } = await rig.authorize({ client_id: clientId, ...request }, window)
      if (code === '') throw new Error(`no code: ${at.url} ${at.text}`)
      const sent = {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        client_id: clientId,
        redirect_uri: request.redirect_uri ?? redirectUri,
      }
      const { status, body } = await rig.token({ ...sent, ...(request.resource === undefined ? {} : { resource: request.resource }) })
      if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`)
      return {
        scope: body.scope,
        claims: decodeJwt(String(body.access_token)) as Record<string, unknown>,
        access: String(body.access_token),
        refresh: body.refresh_token,
      }
    },
    refresh: (clientId: string, refreshToken: string | undefined, fields: Record<string, string> = {}) =>
      rig.token({ grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken ?? '', ...fields }),
  }
  return rig
}

export const redirectUri = 'https://client.example/callback'
