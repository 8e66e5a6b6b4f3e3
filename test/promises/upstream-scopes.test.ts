// Credentials towards servers that may do less than before, or less than a call needs: a real authorization server (oidc-provider) and what
// callers hear of it (A09).
import { decodeJwt } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { Browser } from '../peers/browser.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { client, type OAuthServer, startOAuthServer } from '../peers/oauth-server.mjs'
import { eventually } from '../peers/processes.ts'
import { type Answer, legacy, modern, openSession, send, upstreamsOf } from '../peers/raw.ts'
import { plainTool, type Script, type Scripted, startScripted } from '../peers/scripted.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const [read, write] = ['tools:read', 'tools:write']
const tools = [plainTool('look'), plainTool('change')]

interface World {
  readonly issuer: OAuthServer
  readonly server: Scripted
  readonly gateway: UnderTest
  /** Tokens that the server takes no longer: the next call has them renewed. */
  readonly revoked: Set<string>
}

const scopesOf = (token: string): string[] => String(decodeJwt(token).scope ?? '').split(' ')
const tokenIn = (authorization: string | undefined): string => String(authorization).replace(/^Bearer /, '')

/** A server that lists what the token may use, and refuses the rest. */
async function world(
  auth: Record<string, unknown> & { readonly discovery?: Record<string, unknown> },
  script: Script = {},
  scopes = [read, write] as string[],
): Promise<World> {
  const issuer = await startOAuthServer({ scopes })
  open.push(() => issuer.close())
  const revoked = new Set<string>()
  const server = await startScripted({
    tools: ({ authorization }) => tools.slice(0, scopesOf(tokenIn(authorization)).includes(write as string) ? 2 : 1),
    refuse: ({ authorization }, params) => {
      const token = tokenIn(authorization)
      if (authorization === undefined || revoked.has(token)) return { status: 401, challenge: 'Bearer error="invalid_token"' }
      if (params?.name !== 'change' || scopesOf(token).includes(write as string)) return undefined
      return { status: 403, challenge: `Bearer error="insufficient_scope", scope="${write}"` }
    },
    ...script,
  })
  open.push(() => server.close())
  const { url } = server
  const at = (issuer: string) => ({
    issuer,
    ...auth,
    ...(auth.discovery === undefined ? {} : { discovery: { issuer, ...auth.discovery } }),
  })
  const gateway = await startUnderTest({ servers: { up: { url, era: script.era ?? 'legacy', auth: at(issuer.issuer) } } })
  open.push(gateway.stop)
  return { issuer, server, gateway, revoked }
}

const asClient = { type: 'clientCredentials', clientId: client.id, clientSecret: client.secret, scopes: [read, write] }
const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']
const call = ({ gateway }: World, name: string): Promise<Answer> =>
  modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount: '/up' })
const namesIn = ({ message }: Answer): string[] => ((message.result?.tools ?? []) as Result[]).map(({ name }) => name as string)

/** Links the user's account, as a person does by the link of a fault. */
async function connect(link: string, browser = new Browser()): Promise<Browser> {
  const done = await browser.submit(await browser.open(link))
  expect(done.text).toContain('is linked')
  return browser
}

describe('the credential that fills a catalogue', () => {
  test('comes back with fewer scopes: the list shrinks, listeners are told, and a call that needs more says which', async () => {
    const offered = [read, write] as string[]
    const made = await world(asClient, { era: 'modern' }, offered)
    const list = () => modern(made.gateway.base, 'tools/list', {}, { mount: '/up' })
    expect(await eventually(async () => namesIn(await list()).length === 2)).toBe(true)
    let heard = ''
    const ended = new AbortController()
    const listening = modern(
      made.gateway.base,
      'subscriptions/listen',
      { notifications: { toolsListChanged: true } },
      {
        mount: '/up',
        signal: ended.signal,
        onText: (text) => {
          heard += text
        },
      },
    ).catch(() => undefined)
    expect(await eventually(() => heard.includes('acknowledged'))).toBe(true)
    // From now on the issuer gives less.
    offered.pop()
    for (const { headers } of made.server.seen) if (headers.authorization !== undefined) made.revoked.add(tokenIn(headers.authorization))
    expect(faultOf(await call(made, 'look'))).toBeUndefined()
    expect(await eventually(() => heard.includes('notifications/tools/list_changed'))).toBe(true)
    expect(namesIn(await list())).toEqual(['look'])
    ended.abort()
    await listening
  })

  test('refuses a call for its scope: the fault names it, for an operator', async () => {
    const made = await world(asClient, { era: 'modern', tools }, [read] as string[])
    expect(await eventually(async () => namesIn(await modern(made.gateway.base, 'tools/list', {}, { mount: '/up' })).length === 2)).toBe(
      true,
    )
    const refused = faultOf(await call(made, 'change'))
    expect(refused).toMatchObject({ kind: 'upstream_auth_failed', side_effect: 'none', retryable: false, detail: { scopes: [write] } })
    expect(refused.tell_user).toContain(`the scope ${write}`)
  })
})

describe('the grant of a user', () => {
  test.each([
    ['modern', 'tools/list'],
    ['legacy', 'tools/list'],
    ['legacy', 'initialize'],
  ] as const)('that fills the catalogue and lacks a scope for it: operators get the link (%s, %s)', async (era, needing) => {
    const auth = { type: 'authorizationCode', scopes: [read], discovery: { type: 'principal' } }
    const made = await world(auth, {
      era,
      tools,
      refuse: ({ authorization }, _params, method) => {
        if (authorization === undefined) return { status: 401, challenge: 'Bearer' }
        if (method !== needing || scopesOf(tokenIn(authorization)).includes(write as string)) return undefined
        return { status: 403, challenge: `Bearer error="insufficient_scope", scope="${write}"` }
      },
    })
    const reason = async (): Promise<string> => (await upstreamsOf(made.gateway.admin))[0]?.reason ?? ''
    const link = (text: string): string => /http:\/\/\S+\/connect\/[\w-]{43}/.exec(text)?.[0] ?? ''
    expect(await eventually(async () => link(await reason()) !== '')).toBe(true)
    const first = link(await reason())
    const browser = await connect(first)
    expect(await eventually(async () => (await reason()).includes(`lacks the scope ${write}`) && link(await reason()) !== first)).toBe(true)
    await connect(link(await reason()), browser)
    const list = () => modern(made.gateway.base, 'tools/list', {}, { mount: '/up' })
    expect(await eventually(async () => namesIn(await list()).length === 2)).toBe(true)
  })

  test.each(['modern', 'legacy'] as const)(
    'that lacks a scope is answered with the link to give it; other tools go on (%s)',
    async (era) => {
      const auth = { type: 'authorizationCode', scopes: [read], discovery: asClient }
      const made = await world(auth, { era, tools })
      const first = faultOf(await call(made, 'look'))
      expect(first.kind).toBe('reauth_required')
      const browser = await connect(first.detail.link)
      expect(faultOf(await call(made, 'look'))).toBeUndefined()
      const refused = faultOf(await call(made, 'change'))
      expect(refused).toMatchObject({ kind: 'reauth_required', side_effect: 'none', detail: { scopes: [write] } })
      expect(refused.tell_user).toContain(write)
      expect(refused.tell_user).toContain(refused.detail.link)
      expect(faultOf(await call(made, 'look'))).toBeUndefined()
      await connect(refused.detail.link, browser)
      const asked = browser.visited
        .map((url) => new URL(url))
        .findLast(({ pathname }) => pathname === '/auth')
        ?.searchParams.get('scope')
      expect(asked?.split(' ')).toEqual(expect.arrayContaining([read, write]))
      for (const name of ['change', 'look']) expect(faultOf(await call(made, name))).toBeUndefined()
    },
  )

  test('is renewed with fewer scopes: a session whose server lists by it sees less and is told, others see what they saw', async () => {
    const auth = { type: 'authorizationCode', scopes: [read, write], discovery: asClient }
    const made = await world(auth, { session: 'one-for-all' })
    const grants = new Set<string>()
    made.issuer.provider.on('refresh_token.saved', ({ grantId }: { grantId: string }) => grants.add(grantId))
    await connect(faultOf(await call(made, 'look')).detail.link)
    const { base } = made.gateway
    const session = await openSession(base, { mount: '/up' })
    let heard = ''
    const ended = new AbortController()
    const onText = (text: string): void => {
      heard += text
    }
    const stream = send(`${base}/mcp/up`, 'GET', undefined, {
      headers: { ...session, accept: 'text/event-stream' },
      signal: ended.signal,
      onText,
    }).catch(() => undefined)
    const within = (method: string, params: Record<string, unknown> = {}) => legacy(base, session, method, params, { mount: '/up' })
    expect(faultOf(await within('tools/call', { name: 'change', arguments: {} }))).toBeUndefined()
    expect(namesIn(await within('tools/list'))).toEqual(['look', 'change'])
    for (const id of grants) {
      const grant = await made.issuer.provider.Grant.find(id)
      grant.rejectResourceScope(made.server.url, write)
      await grant.save()
    }
    for (const { headers, params } of made.server.seen) {
      if (params?.name === 'change') made.revoked.add(tokenIn(headers.authorization))
    }
    expect(faultOf(await within('tools/call', { name: 'look', arguments: {} }))).toBeUndefined()
    expect(await eventually(() => heard.includes('notifications/tools/list_changed'))).toBe(true)
    expect(namesIn(await within('tools/list'))).toEqual(['look'])
    expect(namesIn(await modern(base, 'tools/list', {}, { mount: '/up' }))).toEqual(['look', 'change'])
    ended.abort()
    await stream
  })
})
