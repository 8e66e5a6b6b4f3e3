// The authorization server as it runs now: made with the first request, and made anew when the signing keys or the public address are others.
import { hkdfSync } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Accounts } from './accounts.ts'
import { type Assertions, createAssertions } from './assertions.ts'
import type { RegisteredClients } from './clients.ts'
import { createConsents } from './consents.ts'
import { createForms, type Forms } from './forms.ts'
import { createInteractions, type Interactions } from './interactions.ts'
import { createJournal } from './journal.ts'
import { type Library, loadLibrary } from './library.ts'
import { createLimits, type Limits } from './limits.ts'
import type { AuthorizationObjects } from './objects.ts'
import type { AuthorizationServerParts } from './parts.ts'
import { cookieNames, createProvider } from './provider.ts'
import { createProviderLogin } from './provider-login.ts'
import { createResources, type Resources } from './resources.ts'

export interface RunningServer {
  /** Answers by the library. */
  readonly answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  readonly interactions: Interactions
  readonly forms: Forms
}

export interface RunningParts extends AuthorizationServerParts {
  readonly objects: AuthorizationObjects
  readonly clients: RegisteredClients
  readonly accounts: Accounts
}

export interface Running {
  /** Rejects where the store or the library cannot be had. */
  current(): Promise<RunningServer>
  readonly resources: Resources
  readonly limits: Limits
}

export function createRunning(parts: RunningParts): Running {
  const { settings, address, durable, keys, fetch, issuers, clock, random, report, objects, clients, accounts } = parts
  const resources = createResources(parts)
  const limits = createLimits(parts.ephemeral)
  const journal = createJournal(parts.decisions, clock, () => address.url)
  const consents = createConsents(durable, clock)
  const { oidc } = settings.login
  const login =
    oidc === undefined
      ? undefined
      : createProviderLogin({ settings: oidc, fetch, issuers, objects, accounts, redirectUri: () => `${address.url}/oauth/login/callback` })
  const assertions: Assertions | undefined =
    settings.idJag.length === 0 ? undefined : createAssertions({ trusted: settings.idJag, issuers, clock, objects, accounts, resources })
  let library: Promise<Library> | undefined
  let cookieKey: Promise<string> | undefined
  let made: { readonly of: string; readonly server: RunningServer } | undefined

  const make = async (signing: Awaited<ReturnType<typeof keys.all>>): Promise<RunningServer> => {
    const [first, ...others] = signing
    if (first === undefined) throw new Error('There is no key to sign with')
    library ??= loadLibrary()
    cookieKey ??= sharedKey(parts).catch((error: unknown) => {
      cookieKey = undefined
      throw error
    })
    const [loaded, key] = await Promise.all([library, cookieKey])
    const issuer = address.url
    const names = cookieNames(issuer)
    const forms = createForms({ key, cookie: names.form, origin: new URL(issuer).origin, random })
    const provider = createProvider({
      random,
      library: loaded,
      issuer,
      keys: [first, ...others],
      cookieKey: key,
      nonceSecret: parts.requireDpopNonce === true ? Buffer.from(hkdfSync('sha256', key, '', 'dpop nonces', 32)) : undefined,
      fetch,
      log: report.log,
      objects,
      clients,
      accounts,
      consents,
      resources,
      limits,
      journal,
      dynamicRegistration: settings.dynamicRegistration,
      assertions: assertions !== undefined,
    })
    assertions?.register(provider, loaded, issuer, first)
    return {
      answer: provider.callback(),
      forms,
      interactions: createInteractions({
        library: loaded,
        provider,
        address,
        objects,
        accounts,
        consents,
        resources,
        forms,
        limits,
        journal,
        log: report.log,
        clock,
        login,
      }),
    }
  }

  return {
    resources,
    limits,
    current: async () => {
      const signing = await keys.all('authorization-server')
      const of = [address.url, ...signing.map(({ kid }) => kid)].join(' ')
      if (made?.of !== of) made = { of, server: await make(signing) }
      return made.server
    },
  }
}

/** Signs cookies and forms; the same for all gateways of one store, so that any of them can take the next request. */
async function sharedKey({ objects, random }: RunningParts): Promise<string> {
  const forever = 100 * 365 * 24 * 3_600_000
  await objects.add('Key', 'cookies', { key: Buffer.from(random.bytes(32)).toString('base64url') }, forever)
  const kept = await objects.find('Key', 'cookies')
  if (typeof kept?.key === 'string') return kept.key
  // It was sealed under a key of the vault that is gone: what it signed is over.
  await objects.remove('Key', 'cookies')
  return sharedKeyAnew(objects, Buffer.from(random.bytes(32)).toString('base64url'), forever)
}

async function sharedKeyAnew(objects: AuthorizationObjects, key: string, ttlMs: number): Promise<string> {
  await objects.add('Key', 'cookies', { key }, ttlMs)
  const kept = await objects.find('Key', 'cookies')
  return typeof kept?.key === 'string' ? kept.key : key
}
