// A gateway that runs in a cloud, as a process, with the vendors' own libraries and the services of each cloud on loopback: the servers see good
// signatures and tokens; without the libraries their servers alone are not ready, and say what to install.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import { wrongWith } from '../doubles/cloud/aws-signature.ts'
import {
  type Asked,
  awsKeyAnswer,
  bareEnvironment,
  type CloudAnswer,
  type CloudEndpoint,
  cloudEndpoint,
  googleMetadata,
} from '../doubles/cloud/endpoints.ts'
import { Authority } from '../examples/certificates.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { modern } from '../peers/raw.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function folderOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-cloud-'))
  open.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function endpoint(...parts: Parameters<typeof cloudEndpoint>): Promise<CloudEndpoint> {
  const made = await cloudEndpoint(...parts)
  open.push(() => made.stop())
  return made
}

const secrets = {
  awsKey: 'canary-aws-secret-key',
  awsSession: 'canary-aws-session-token',
  container: 'canary-container-token',
  google: 'canary-google-access-token',
  azure: 'canary-azure-access-token',
  workload: 'canary.workload.token',
}
const awsKey = { id: 'ASIACANARY', secret: secrets.awsKey }
const idTokenOf = (audience: string): string => {
  const claims = { aud: audience, exp: Math.floor(Date.now() / 1_000) + 3_600 }
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.canary-google-id-token`
}

/** A server of one tool, of either era, that looks at each request first: what is wrong is kept, and refused. */
async function upstream(look: (asked: Asked) => string | undefined): Promise<CloudEndpoint & { readonly wrong: string[] }> {
  const wrong: string[] = []
  const made = await endpoint((asked) => {
    const found = look(asked)
    if (found === undefined) return answerOf(asked)
    wrong.push(`${asked.method} ${found}`)
    return { status: 403, body: '' }
  })
  return { ...made, wrong }
}

function answerOf({ method: verb, body }: Asked): CloudAnswer {
  if (verb !== 'POST') return { status: verb === 'DELETE' ? 200 : 405, body: '' }
  const { id, method, params } = JSON.parse(body)
  if (id === undefined) return { status: 202, body: '' }
  const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
  const results: Record<string, unknown> = {
    'server/discover': { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'up', version: '1' } },
    'tools/list': { ...complete, tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
    'tools/call': { resultType: 'complete', content: [{ type: 'text', text: 'done' }] },
  }
  const headers: Record<string, string> = method === 'initialize' ? { 'mcp-session-id': 's1' } : {}
  return { headers, body: { jsonrpc: '2.0', id, result: results[method] ?? {} } }
}

const signed = ({ body, ...asked }: Asked): string | undefined =>
  asked.headers['x-amz-security-token'] === secrets.awsSession
    ? wrongWith({ ...asked, body: Buffer.from(body) }, awsKey)
    : 'no session token'
const bearing =
  (token: string) =>
  ({ headers }: Asked): string | undefined =>
    headers.authorization === `Bearer ${token}` ? undefined : 'another token'

async function called({ base }: GatewayProcess, mount: string): Promise<unknown> {
  return (await modern(base, 'tools/call', { name: 'echo', arguments: { a: 'é' } }, { mount })).message.result?.content?.[0]?.text
}

const allReady = (gateway: GatewayProcess) => async (): Promise<boolean> =>
  (await gateway.upstreams()).every(({ state }) => state === 'ready')

promise(['R28', 'R60'], 'servers in a cloud know the gateway by the identity that the cloud gives it, and no log shows it', async () => {
  const folder = folderOf()
  const workload = join(folder, 'workload')
  writeFileSync(workload, secrets.workload)
  const container = await endpoint(({ headers }) =>
    headers.authorization === secrets.container
      ? awsKeyAnswer(awsKey, secrets.awsSession, Date.now() + 3_600_000)
      : { status: 401, body: {} },
  )
  const machine = await endpoint(({ target }) =>
    googleMetadata(target, (query) => {
      const audience = query.get('audience')
      return audience === null ? { access_token: secrets.google, expires_in: 3_600, token_type: 'Bearer' } : idTokenOf(audience)
    }),
  )
  const authority = new Authority(folder)
  const { cert, key } = authority.sign('entra', 'DNS:localhost')
  const entra = await endpoint(
    ({ target, body }, url) => {
      if (target.includes('openid-configuration')) {
        const at = `${url}/tenant-1`
        return {
          body: {
            issuer: `${at}/v2.0`,
            token_endpoint: `${at}/oauth2/v2.0/token`,
            authorization_endpoint: `${at}/oauth2/v2.0/authorize`,
            jwks_uri: `${at}/discovery/v2.0/keys`,
          },
        }
      }
      const asked = new URLSearchParams(body)
      const good = asked.get('client_assertion') === secrets.workload && asked.get('scope')?.split(' ').includes('api://tracker/.default')
      return good ? { body: { access_token: secrets.azure, expires_in: 3_600, token_type: 'Bearer' } } : { status: 400, body: {} }
    },
    { cert: readFileSync(cert), key: readFileSync(key) },
  )
  const servers = {
    signed: await upstream(signed),
    older: await upstream(signed),
    run: await upstream(({ headers }) => {
      const [, token = ''] = String(headers.authorization).split(' ')
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}')
      return claims.aud === 'https://run.example' ? undefined : 'another audience'
    }),
    api: await upstream(bearing(secrets.google)),
    tracker: await upstream(bearing(secrets.azure)),
  }
  const aws = { type: 'aws', region: 'eu-central-1', service: 'bedrock-agentcore' }
  const gateway = await startProcess(
    {
      log: { level: 'trace' },
      servers: {
        signed: { url: `${servers.signed.url}/runtimes/arn%3Aaws%3Ax%2Fy/invocations?qualifier=a%20b`, auth: aws, era: 'modern' },
        older: { url: `${servers.older.url}/mcp`, auth: aws, era: 'legacy', transport: 'streamable-http' },
        run: { url: `${servers.run.url}/mcp`, auth: { type: 'google', audience: 'https://run.example' } },
        api: { url: `${servers.api.url}/mcp`, auth: { type: 'google', scopes: ['https://www.googleapis.com/auth/cloud-platform'] } },
        tracker: { url: `${servers.tracker.url}/mcp`, auth: { type: 'azure', scopes: ['api://tracker/.default'] } },
      },
    },
    {
      ...bareEnvironment(folder),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/creds`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: secrets.container,
      GCE_METADATA_HOST: new URL(machine.url).host,
      METADATA_SERVER_DETECTION: 'assume-present',
      AZURE_TENANT_ID: 'tenant-1',
      AZURE_CLIENT_ID: 'client-1',
      AZURE_FEDERATED_TOKEN_FILE: workload,
      AZURE_AUTHORITY_HOST: `${entra.url}/`,
      NODE_EXTRA_CA_CERTS: authority.cert,
    },
  )
  open.push(() => gateway.end('SIGKILL'))
  await eventually(allReady(gateway), 20_000)
  expect((await gateway.upstreams()).map(({ name, state, reason }) => ({ name, state, reason }))).toEqual(
    Object.keys(servers)
      .sort()
      .map((name) => ({ name, state: 'ready', reason: undefined })),
  )
  for (const name of Object.keys(servers)) expect(await called(gateway, `/${name}`), name).toBe('done')
  const shown = [await (await fetch(`${gateway.admin}/metrics`)).text(), JSON.stringify(await gateway.upstreams())].join()
  await gateway.end('SIGTERM')
  for (const [name, { wrong, asked }] of Object.entries(servers)) {
    expect(wrong, name).toEqual([])
    expect(asked.length, name).toBeGreaterThan(2)
  }
  for (const secret of [...Object.values(secrets), 'canary-google-id-token']) expect(gateway.log() + shown).not.toContain(secret)
  expect(gateway.log()).not.toContain('Warning:')
})

promise('R28', 'without the library of a cloud its servers alone are not ready, and say what to install', async () => {
  const folder = folderOf()
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  mkdirSync(join(folder, 'node_modules'))
  const left = ['@aws-sdk', '@smithy', '@azure', 'google-auth-library']
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!left.includes(name)) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const plain = await upstream(() => undefined)
  const url = `${plain.url}/mcp`
  const gateway = await startProcess(
    {
      servers: {
        plain: { url },
        signed: { url, auth: { type: 'aws', region: 'r', service: 's' } },
        run: { url, auth: { type: 'google', audience: 'https://run.example' } },
        tracker: { url, auth: { type: 'azure', scopes: ['s'] } },
      },
    },
    bareEnvironment(folder),
    join(folder, 'dist', 'main.js'),
  )
  open.push(() => gateway.end('SIGKILL'))
  const told = new Map((await gateway.upstreams()).map(({ name, state, reason }) => [name, `${state}: ${reason}`]))
  expect(told.get('plain')).toBe('ready: undefined')
  const installs = {
    signed: '@aws-sdk/credential-provider-node@3.972.99 @smithy/signature-v4@5.7.5',
    run: 'google-auth-library@10.9.1',
    tracker: '@azure/identity@4.13.1',
  }
  for (const [name, packages] of Object.entries(installs)) {
    expect(told.get(name)).not.toMatch(/^ready/)
    expect(told.get(name)).toContain(`not installed: \`npm install ${packages}\``)
  }
  expect(await called(gateway, '/plain')).toBe('done')
})
