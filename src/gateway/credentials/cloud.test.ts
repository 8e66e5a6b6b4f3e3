// The identity of the cloud: the vendors' own libraries, pointed by their own variables at endpoints of loopback.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SignedRequest, wrongWith } from '../../../test/doubles/cloud/aws-signature.ts'
import {
  awsKeyAnswer,
  bareEnvironment,
  type CloudAnswer,
  type CloudEndpoint,
  cloudEndpoint,
  googleMetadata,
} from '../../../test/doubles/cloud/endpoints.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { credentialRig, faultIn, leaseIn, tokenOf } from '../../../test/doubles/oauth/credentials-rig.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { testedPackages } from './cloud.ts'
import { upstreamAuthSettings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-cloud-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const open: (() => Promise<void>)[] = []
let clock: ManualClock
beforeEach(() => {
  clock = new ManualClock(Date.now())
  stub(bareEnvironment(folder))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of open.splice(0).reverse()) await close()
})

function stub(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
}

async function endpoint(answer: Parameters<typeof cloudEndpoint>[0]): Promise<CloudEndpoint> {
  const made = await cloudEndpoint(answer)
  open.push(() => made.stop())
  return made
}

function rigOf(auth: Record<string, unknown>, headers: Record<string, string> = {}) {
  const rig = credentialRig({ clock, auth, headers })
  open.push(() => rig.stop())
  return rig
}

const ann = aPrincipal({ sub: 'ann' })
const hour = 3_600_000

/** A workload with a role, whose token service is here. */
function roleAt(url: string): Record<string, string> {
  const file = join(folder, 'workload')
  writeFileSync(file, 'workload.jwt.one')
  return { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/gateway', AWS_ENDPOINT_URL_STS: url }
}

describe('aws', () => {
  const auth = { type: 'aws', region: 'eu-central-1', service: 'lambda' }
  const keyOf = (n: number) => ({ id: `ASIAKEY${n}`, secret: `aws-secret-${n}` })

  /** A container's metadata service, with another key each time. */
  async function container(): Promise<CloudEndpoint> {
    let given = 0
    const made = await endpoint(({ headers }) => {
      if (headers.authorization !== 'container token') return { status: 401, body: {} }
      given += 1
      return awsKeyAnswer(keyOf(given), `session-${given}`, clock.now() + hour)
    })
    stub({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${made.url}/creds`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'container token' })
    return made
  }

  async function sent(lease: CredentialLease, method: string, url: string, body?: string): Promise<SignedRequest> {
    const bytes = body === undefined ? undefined : Buffer.from(body)
    const { host } = new URL(url)
    const headers = { host, ...lease.headers(), ...(await lease.proof?.headers(method, url, bytes)) }
    return { method, target: url.slice(new URL(url).origin.length), headers, body: bytes ?? Buffer.alloc(0) }
  }

  it('is checked by what AWS documents: its own example holds, and a change of it does not', () => {
    const request = (
      change: Partial<SignedRequest> = {},
      signature = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ) => ({
      method: 'GET',
      target: '/',
      headers: {
        host: 'example.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
        authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
      },
      body: Buffer.alloc(0),
      ...change,
    })
    const key = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
    expect(wrongWith(request(), key)).toBeUndefined()
    expect(wrongWith(request({ target: '/x' }), key)).toBe('another signature')
  })

  it('signs method, address and body of each request with region, service, session and headers of its own', async () => {
    await container()
    const { credentials } = rigOf(auth, { 'X-Amz-Target': 'Some.Operation', Authorization: 'Basic other', 'X-Fixed': 'f' })
    const lease = leaseIn(await credentials.forCaller(ann))
    expect(lease.headers()).toEqual({ 'x-amz-target': 'Some.Operation', 'x-fixed': 'f' })
    const addresses = [
      'https://abc.lambda-url.eu-central-1.on.aws/mcp',
      'http://127.0.0.1:8080/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu%3A1%3Aruntime%2Fa/invocations?qualifier=DEFAULT&b=x%20y%2Fz&a=1',
      'https://abc.example/?b=2&a=3&a=1',
    ]
    for (const url of addresses) {
      for (const [method, body] of [['POST', '{"jsonrpc":"2.0"}'], ['GET'], ['DELETE']] as [string, string?][]) {
        const request = await sent(lease, method, url, body)
        expect(wrongWith(request, keyOf(1)), url).toBeUndefined()
        expect(request.headers).toMatchObject({ 'x-amz-security-token': 'session-1', 'x-amz-content-sha256': expect.any(String) })
        expect(request.headers.authorization).toContain('/eu-central-1/lambda/aws4_request')
        expect(wrongWith({ ...request, body: Buffer.from('other') }, keyOf(1))).toBe('another body')
      }
    }
  })

  it('asks once for all callers, again before the key ends, and after a refusal; the lease that is held signs with the new one', async () => {
    const service = await container()
    const { credentials } = rigOf(auth)
    const leases = await Promise.all(Array.from({ length: 50 }, () => credentials.forCaller(ann)))
    const lease = leaseIn(leases[0] as never)
    expect(leaseIn(await credentials.forDiscovery()).id).toBe('aws')
    expect(service.asked).toHaveLength(1)
    await clock.advance(hour - 30_000)
    await credentials.forCaller(ann)
    expect(service.asked).toHaveLength(2)
    expect(wrongWith(await sent(lease, 'GET', 'https://a.example/'), keyOf(2))).toBeUndefined()
    const second = leaseIn(await credentials.forCaller(ann))
    expect(second.reject({ status: 401, challenge: undefined })).toBe(true)
    await credentials.forCaller(ann)
    expect(service.asked).toHaveLength(3)
    expect(wrongWith(await sent(lease, 'GET', 'https://a.example/'), keyOf(3))).toBeUndefined()
  })

  it('looks again for a key that says no end, so that one in a file can be replaced', async () => {
    const file = join(folder, 'credentials')
    const write = (n: number): void =>
      writeFileSync(file, `[default]\naws_access_key_id = ${keyOf(n).id}\naws_secret_access_key = ${keyOf(n).secret}\n`)
    stub({ AWS_SHARED_CREDENTIALS_FILE: file })
    write(1)
    const { credentials } = rigOf(auth)
    const lease = leaseIn(await credentials.forCaller(ann))
    expect(wrongWith(await sent(lease, 'GET', 'https://a.example/'), keyOf(1))).toBeUndefined()
    write(2)
    await clock.advance(600_000)
    await credentials.forCaller(ann)
    expect(wrongWith(await sent(lease, 'GET', 'https://a.example/'), keyOf(2))).toBeUndefined()
  })

  it('takes the role of a workload by its token, from the security token service of the region', async () => {
    const sts = await endpoint(() => ({
      headers: { 'content-type': 'text/xml' },
      body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
        <SessionToken>session-7</SessionToken><SecretAccessKey>aws-secret-7</SecretAccessKey>
        <Expiration>${new Date(clock.now() + hour).toISOString()}</Expiration><AccessKeyId>ASIAKEY7</AccessKeyId>
        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    }))
    stub(roleAt(sts.url))
    const { credentials, issued } = rigOf(auth)
    const lease = leaseIn(await credentials.forCaller(ann))
    expect(issued).toEqual(['up aws-secret-7', 'up session-7'])
    expect(wrongWith(await sent(lease, 'POST', 'https://a.example/mcp', '{}'), keyOf(7))).toBeUndefined()
    expect(Object.fromEntries(new URLSearchParams(sts.asked[0]?.body))).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      WebIdentityToken: 'workload.jwt.one',
    })
  })
})

describe('google', () => {
  /** The metadata service of the machine. */
  async function machine(token: (asked: URLSearchParams) => unknown): Promise<() => string[]> {
    const made = await endpoint(({ target }) => googleMetadata(target, token))
    stub({ GCE_METADATA_HOST: new URL(made.url).host, METADATA_SERVER_DETECTION: 'assume-present' })
    return () => made.asked.map(({ target }) => target).filter((target) => /\/(token|identity)\?/.test(target))
  }

  it('gets an access token with the scopes, once for all callers, and the next before it ends', async () => {
    let given = 0
    const asked = await machine(() => {
      given += 1
      return { access_token: `google-${given}`, expires_in: 3_600 * given, token_type: 'Bearer' }
    })
    const { credentials } = rigOf({ type: 'google', scopes: ['https://www.googleapis.com/auth/a', 'https://www.googleapis.com/auth/b'] })
    const leases = await Promise.all(Array.from({ length: 20 }, () => credentials.forCaller(ann)))
    expect(leases.map(tokenOf)).toEqual(leases.map(() => 'google-1'))
    expect(asked().map(decodeURIComponent)).toEqual([
      expect.stringContaining('?scopes=https://www.googleapis.com/auth/a,https://www.googleapis.com/auth/b'),
    ])
    await clock.advance(hour - 20_000)
    expect(tokenOf(await credentials.forCaller(ann))).toBe('google-2')
    expect(given).toBe(2)
  })

  it('gets an ID token for the audience, which says itself when it ends', async () => {
    const asked = await machine((query) => {
      const claims = { aud: query.get('audience'), exp: Math.floor(clock.now() / 1_000) + 3_600 }
      return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
    })
    const { credentials } = rigOf({ type: 'google', audience: 'https://tools.run.example' })
    expect(decodeJwt(tokenOf(await credentials.forCaller(ann))).aud).toBe('https://tools.run.example')
    await credentials.forCaller(ann)
    expect(asked()).toHaveLength(1)
    await clock.advance(hour - 20_000)
    await credentials.forCaller(ann)
    expect(asked()).toHaveLength(2)
  })

  it('exchanges the token of a workload elsewhere (external_account)', async () => {
    const workload = join(folder, 'workload-of-google')
    writeFileSync(workload, 'workload.jwt.two')
    const sts = await endpoint(() => ({
      body: {
        access_token: 'federated',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3600,
      },
    }))
    const file = join(folder, 'google.json')
    stub({ GOOGLE_APPLICATION_CREDENTIALS: file })
    const content = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${sts.url}/v1/token`,
      credential_source: { file: workload },
    }
    writeFileSync(file, JSON.stringify(content))
    const { credentials } = rigOf({
      type: 'google',
      scopes: ['https://www.googleapis.com/auth/cloud-platform'],
      header: 'X-Serverless-Authorization',
      scheme: 'Bearer',
    })
    expect(leaseIn(await credentials.forCaller(ann)).headers()).toEqual({ 'x-serverless-authorization': 'Bearer federated' })
    expect(Object.fromEntries(new URLSearchParams(sts.asked[0]?.body))).toMatchObject({ subject_token: 'workload.jwt.two' })
  })
})

/** The library remembers for the whole process where it found the service. */
let azureAnswer: () => CloudAnswer
let azureService: CloudEndpoint
beforeAll(async () => {
  azureService = await cloudEndpoint(() => azureAnswer())
})
afterAll(() => azureService.stop())
const managedIdentity = () => ({ IDENTITY_ENDPOINT: `${azureService.url}/msi/token`, IDENTITY_HEADER: 'identity header' })

describe('azure', () => {
  it('gets a token of the managed identity for the scope, once for all callers', async () => {
    azureAnswer = () => {
      const ends = Math.floor(clock.now() / 1_000) + 3_600
      return { body: { access_token: 'azure-1', expires_on: String(ends), resource: 'api://tracker', token_type: 'Bearer' } }
    }
    stub(managedIdentity())
    const { credentials } = rigOf({ type: 'azure', scopes: ['api://tracker/.default'] })
    const leases = await Promise.all(Array.from({ length: 20 }, () => credentials.forCaller(ann)))
    expect(leases.map(tokenOf)).toEqual(leases.map(() => 'azure-1'))
    const [first, ...more] = azureService.asked
    expect(more).toEqual([])
    expect(first?.headers['x-identity-header']).toBe('identity header')
    expect(new URL(first?.target ?? '', azureService.url).searchParams.get('resource')).toBe('api://tracker')
  })
})

describe('where there is none', () => {
  const kinds: Record<string, Record<string, unknown>> = {
    aws: { type: 'aws', region: 'r', service: 's' },
    google: { type: 'google', scopes: ['s'] },
    azure: { type: 'azure', scopes: ['api://elsewhere/.default'] },
  }

  const refusedByAws = {
    status: 403,
    headers: { 'content-type': 'text/xml' },
    body: '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>leak-secret-3</Message></Error></ErrorResponse>',
  }

  it.each(Object.keys(kinds))('says so of %s, with the sort of the error and nothing of an answer', async (kind) => {
    const leaking = { error: 'invalid_grant', error_description: 'leak-secret-1', token: 'leak-secret-2' }
    azureAnswer = () => ({ status: 400, body: leaking })
    const service = await endpoint(({ body }) => (body.includes('AssumeRole') ? refusedByAws : { status: 400, body: leaking }))
    stub({ ...managedIdentity(), ...roleAt(service.url) })
    const file = join(folder, 'bad.json')
    const source = { token_url: `${service.url}/token`, credential_source: { file } }
    writeFileSync(file, JSON.stringify({ type: 'external_account', audience: 'a', subject_token_type: 't', ...source }))
    stub({ GOOGLE_APPLICATION_CREDENTIALS: file })
    const rig = rigOf(kinds[kind] as never)
    const fault = faultIn(await rig.credentials.forCaller(ann))
    expect(fault.kind).toBe('upstream_auth_failed')
    expect(fault.message).toMatch(/the library of (AWS|Google|Azure) found no credential for the gateway \(\w+/)
    const told = JSON.stringify([fault, rig.decisions, rig.report])
    expect(told).not.toContain('leak-secret')
    expect(service.asked.length + azureService.asked.filter(({ target }) => target.includes('elsewhere')).length).toBeGreaterThan(0)
  })

  it('names the versions that are tested', () => {
    const { devDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    )
    expect(devDependencies).toMatchObject(testedPackages)
    expect(Object.keys(peerDependencies).sort()).toEqual(Object.keys(testedPackages).sort())
    for (const name of Object.keys(testedPackages)) expect(peerDependenciesMeta[name]).toEqual({ optional: true })
  })
})

describe('settings', () => {
  const wrong = (auth: Record<string, unknown>) =>
    upstreamAuthSettings.safeParse(auth).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? []

  it('need what the cloud needs to know, and take nothing that has no effect', () => {
    expect(wrong({ type: 'aws' })).toEqual(['region is needed for `aws`', 'service is needed for `aws`'])
    expect(wrong({ type: 'google' })).toEqual(['scopes is needed for `google`'])
    expect(wrong({ type: 'google', scopes: ['a'], audience: 'b' })).toEqual(['audience is for an ID token, which has no `scopes`'])
    expect(wrong({ type: 'azure' })).toEqual(['scopes is needed for `azure`'])
    expect(wrong({ type: 'aws', region: 'r', service: 's', scopes: ['a'], header: 'X-A', clientId: 'c' })).toHaveLength(3)
    expect(wrong({ type: 'azure', scopes: ['a'], region: 'r', issuer: 'https://a.example', audience: 'b' })).toHaveLength(3)
    expect(wrong({ type: 'static', secret: 's', region: 'r', service: 's' })).toHaveLength(2)
  })
})
