// The identity that the cloud gives to what runs in it, got by the vendors' own libraries: their chains know where it comes from (environment,
// files, the token of a workload, the metadata service of the machine). They are loaded where configured alone, and are no dependencies.
import { decodeJwt } from 'jose'
import type { Clock } from '../../core/ports/clock.ts'
import { CredentialFailure } from './failure.ts'
import type { Carried, TokenSource } from './keeper.ts'
import type { UpstreamAuth } from './settings.ts'
import { type AwsKey, besideSignature, type SignerLibrary, signing } from './sigv4.ts'
import type { TokenSet } from './token-set.ts'

export type CloudKind = 'aws' | 'google' | 'azure'

export interface CloudIdentity {
  readonly source: TokenSource
  /** Undefined where it is carried as any token. */
  readonly carry: ((token: TokenSet) => Carried) | undefined
  /** As `carry`. */
  readonly secretsOf?: (token: TokenSet) => readonly string[]
}

type CloudAuth = Pick<UpstreamAuth, 'region' | 'service' | 'scopes' | 'audience'>

/** `fixed`: headers that are sent beside. */
export function cloudIdentity(kind: CloudKind, auth: CloudAuth, fixed: Readonly<Record<string, string>>, clock: Clock): CloudIdentity {
  switch (kind) {
    case 'aws':
      return awsIdentity(auth, fixed, clock)
    case 'google':
      return { source: sourceOf(() => googleToken(auth), auth, clock), carry: undefined }
    case 'azure':
      return { source: sourceOf(() => azureToken(auth), auth, clock), carry: undefined }
  }
}

/** A token, and its end in ms since the epoch where the library knows it. */
interface Got {
  readonly access: string
  readonly expiresAt: number | undefined
}

function sourceOf(get: () => Promise<Got>, { scopes }: CloudAuth, clock: Clock): TokenSource {
  return {
    next: async () => {
      const got = await get()
      const token = { ...got, refresh: undefined, issuedAt: clock.now(), scopes, boundTo: undefined }
      return { token, clientId: '', scopes: scopes ?? [] }
    },
  }
}

/**
 * A key that says no end, of a file or a variable, is looked for again so often, in ms: it may have been replaced, and AWS refuses the old one
 * as it refuses what it does not allow (403).
 */
const lookAgainMs = 600_000

/** What is kept as the token is the key that requests are signed with: it ends and is got anew as tokens are. */
function awsIdentity({ region = '', service = '' }: CloudAuth, fixed: Readonly<Record<string, string>>, clock: Clock): CloudIdentity {
  let signer: SignerLibrary | undefined
  const get = async (): Promise<Got> => {
    const packages = ['@aws-sdk/credential-provider-node', '@smithy/signature-v4'] as const
    const [chain, library] = await loaded(packages, () =>
      Promise.all([import('@aws-sdk/credential-provider-node'), import('@smithy/signature-v4')]),
    )
    signer = library
    // A chain of its own each time: what it would keep is what was refused, or ends. It tells the console else.
    const provider = chain.defaultProvider({ clientConfig: { region }, ignoreCache: true, logger: silent })
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await asked('AWS', () => provider())
    const key: AwsKey = { accessKeyId, secretAccessKey, sessionToken }
    return { access: JSON.stringify(key), expiresAt: expiration?.getTime() ?? clock.now() + lookAgainMs }
  }
  const beside = besideSignature(fixed)
  return {
    source: sourceOf(get, {}, clock),
    secretsOf: ({ access }) => {
      const { secretAccessKey, sessionToken } = JSON.parse(access) as AwsKey
      return sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken]
    },
    carry: ({ access }) => {
      const proof = signer && signing(signer, JSON.parse(access) as AwsKey, { region, service }, beside, clock)
      return { headers: beside, proof }
    },
  }
}

/** Application Default Credentials: an ID token for an audience, as Cloud Run and IAP take it, or else an access token. */
async function googleToken({ scopes, audience }: CloudAuth): Promise<Got> {
  const { GoogleAuth } = await loaded(['google-auth-library'], () => import('google-auth-library'))
  return asked('Google', async () => {
    // One of its own each time: it keeps what it has got, and that may be what was refused.
    // A token is of no project: without one here it asks Google which it is, and fails where it may not know.
    const auth = new GoogleAuth({ projectId: 'none', ...(scopes === undefined ? {} : { scopes: [...scopes] }) })
    if (audience !== undefined) {
      const { idTokenProvider } = await auth.getIdTokenClient(audience)
      const access = await idTokenProvider.fetchIdToken(audience)
      const { exp } = decodeJwt(access)
      return { access, expiresAt: exp === undefined ? undefined : exp * 1_000 }
    }
    const client = await auth.getClient()
    const { token } = await client.getAccessToken()
    return { access: some(token), expiresAt: client.credentials.expiry_date ?? undefined }
  })
}

async function azureToken({ scopes }: CloudAuth): Promise<Got> {
  const { DefaultAzureCredential } = await loaded(['@azure/identity'], () => import('@azure/identity'))
  return asked('Azure', async () => {
    // The authority comes from the environment of the gateway, so there is nobody else to ask whether it is one.
    const credential = new DefaultAzureCredential({ disableInstanceDiscovery: true })
    const { token, expiresOnTimestamp } = await credential.getToken([...(scopes ?? [])])
    return { access: some(token), expiresAt: expiresOnTimestamp }
  })
}

function some(token: string | null | undefined): string {
  if (typeof token !== 'string' || token === '') throw new CredentialFailure('refused', 'the answer held no token')
  return token
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** The versions that are tested, which the oldest Node.js of the gateway runs. Newer ones of some do not. */
export const testedPackages = {
  '@aws-sdk/credential-provider-node': '3.972.99',
  '@azure/identity': '4.13.1',
  '@smithy/signature-v4': '5.7.5',
  'google-auth-library': '10.9.1',
} as const

/** Rejects with what an operator does about it. A package that another one lacks is the same matter. */
async function loaded<T>(packages: readonly (keyof typeof testedPackages)[], load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    const what = `${packages.join(' and ')} ${missing ? 'not installed' : 'cannot be loaded'}`
    const install = packages.map((name) => `${name}@${testedPackages[name]}`).join(' ')
    throw new CredentialFailure('refused', `${what}: \`npm install ${install}\` where the gateway is installed`)
  }
}

/** What the libraries say may quote an answer, and that may hold a token: nothing of it is told but what sort of error it was. */
async function asked<T>(vendor: string, get: () => Promise<T>): Promise<T> {
  try {
    return await get()
  } catch (error) {
    if (error instanceof CredentialFailure) throw error
    const status = statusOf(error)
    const sort = [nameOf(error), ...(status === undefined ? [] : [`HTTP ${status}`])].join(', ')
    const refused = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429
    throw new CredentialFailure(
      refused ? 'refused' : 'unavailable',
      `the library of ${vendor} found no credential for the gateway (${sort}): its environment, files or metadata service have to offer one`,
    )
  }
}

function nameOf(error: unknown): string {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown }
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code
  return typeof name === 'string' && /^[A-Za-z]{2,60}$/.test(name) ? name : 'Error'
}

/** Each library has a place of its own for it. */
function statusOf(error: unknown): number | undefined {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 4; depth += 1) {
    const { status, statusCode, response, $metadata, cause, errors } = at as Record<string, unknown>
    const inner = (of: unknown, key: string): unknown => (of as Record<string, unknown> | undefined)?.[key]
    const found = [status, statusCode, inner(response, 'status'), inner($metadata, 'httpStatusCode')].find((one) => typeof one === 'number')
    if (found !== undefined) return found as number
    at = cause ?? (Array.isArray(errors) ? errors.at(-1) : undefined)
  }
  return undefined
}
