// docs/platform-tokens.md and examples/platform-tokens: the commands and settings of the page, as they stand.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { startIssuer } from '../doubles/issuer.ts'
import { type Closers, list } from '../peers/admitting.ts'
import { modern, send } from '../peers/raw.ts'
import { root } from '../peers/servers.ts'
import { promise } from '../promises/promise.ts'
import { blockOf, folderFor, readPage, replaced, startExample } from './example.ts'

const page = readPage('docs/platform-tokens.md')
const config = readPage('examples/platform-tokens/signalbox.yaml')

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

test('what the page shows is in the example', () => {
  expect(parse(blockOf(page, 'Platform tokens', 'yaml')).auth).toEqual(parse(config).auth)
})

async function setting() {
  const cluster = await startIssuer('RS256')
  const spire = await startIssuer('ES256')
  closers.push(cluster.close, spire.close)
  const folder = folderFor(closers)
  const text = replaced(config, {
    'jwksUri: https://kubernetes.default.svc/openid/v1/jwks': `jwksUri: ${cluster.jwksUri}`,
    'https://spire.example.org/keys': spire.jwksUri,
    '/var/lib/signalbox': join(folder, 'state'),
  })
  writeFileSync(join(folder, 'signalbox.yaml'), text)
  return { cluster, spire, folder, at: await startExample(closers, text) }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const toolsOf = async (at: { base: string }, token: string): Promise<string[]> =>
  (await list(at, bearer(token))).message.result.tools.map(({ name }: { name: string }) => name).sort()
const reads = ['memory__open_nodes', 'memory__read_graph', 'memory__search_nodes']

promise(
  ['R30', 'R14'],
  'the command of the page mints a token that the gateway takes, for what it says',
  async () => {
    const { folder, at } = await setting()
    const [program, ...args] = blockOf(page, 'Minted', 'sh').trim().split(' ')
    expect(program).toBe('signalbox')
    const token = await new Promise<string>((resolve, reject) => {
      const done = (error: Error | null, out: string, err: string) => (error === null ? resolve(out.trim()) : reject(new Error(err)))
      execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, done)
    })
    expect(decodeJwt(token)).toMatchObject({ sub: 'nightly-build', groups: ['ci'], aud: 'https://mcp.example.com/mcp' })
    expect(await toolsOf(at, token)).toEqual(reads)
    const call = (name: string) => modern(at.base, 'tools/call', { name, arguments: {} }, { headers: bearer(token) })
    expect((await call('memory__read_graph')).message.result.isError).not.toBe(true)
    expect((await call('memory__delete_entities')).message.result.isError).toBe(true)
    expect((await list(at, bearer(token), '/memory')).status).toBe(401)
    expect((await list(at, {})).status).toBe(401)
  },
  60_000,
)

/** The form that the command of the page sends, with this assertion. */
function formOf(assertion: string, change: Record<string, string> = {}): string {
  const parts = [...blockOf(page, 'In exchange for a token of Kubernetes', 'sh').matchAll(/--data-urlencode (\w+)(=|@)(\S+)/g)]
  const form = new URLSearchParams(parts.map(([, name = '', how, value = '']): [string, string] => [name, how === '@' ? assertion : value]))
  for (const [name, value] of Object.entries(change)) form.set(name, value)
  return form.toString()
}

async function exchange(at: { base: string }, form: string) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { status, text } = await send(`${at.base}/oauth/platform/token`, 'POST', form, { headers })
  return { status, body: JSON.parse(text) }
}

promise(
  ['R30'],
  'a pod exchanges its token with the request of the page, and uses what its namespace may',
  async () => {
    const { cluster, at } = await setting()
    const volume = parse(blockOf(page, 'In exchange for a token of Kubernetes', 'yaml')).volumes[0].projected.sources[0].serviceAccountToken
    const projected = (claims: Record<string, unknown> = {}, namespace = 'ci') =>
      cluster.sign(
        {
          iss: 'https://kubernetes.default.svc.cluster.local',
          aud: [volume.audience],
          sub: `system:serviceaccount:${namespace}:runner`,
          client_id: undefined,
          'kubernetes.io': { namespace, node: { name: 'n' }, pod: { name: 'p' }, serviceaccount: { name: 'runner' } },
          ...claims,
        },
        { typ: undefined },
      )
    const { status, body } = await exchange(at, formOf(await projected()))
    expect([status, body.token_type]).toEqual([200, 'Bearer'])
    expect(await toolsOf(at, body.access_token)).toEqual(reads)
    expect(await toolsOf(at, (await exchange(at, formOf(await projected({}, 'sales')))).body.access_token)).toEqual([])
    expect((await exchange(at, formOf(await projected({ aud: ['https://kubernetes.default.svc'] })))).body.error).toBe('invalid_grant')
    expect((await exchange(at, formOf(await projected(), { scope: 'notes:write' }))).body.error).toBe('invalid_scope')
    // What was to be exchanged is no access token itself.
    expect((await list(at, bearer(await projected()))).status).toBe(401)
  },
  60_000,
)

promise(
  ['R30'],
  'and a SPIFFE identity does, known by its own name',
  async () => {
    const { spire, at } = await setting()
    const svid = (sub: string) =>
      spire.sign(
        { iss: undefined, client_id: undefined, jti: undefined, sub, aud: 'https://mcp.example.com/oauth/platform/token' },
        { typ: 'JWT' },
      )
    const as = async (sub: string) => (await exchange(at, formOf(await svid(sub), { scope: 'notes:read notes:write' }))).body
    const writer = await as('spiffe://example.org/ns/agents/sa/writer')
    expect(await toolsOf(at, writer.access_token)).toContain('memory__create_entities')
    expect(await toolsOf(at, (await as('spiffe://example.org/ns/agents/sa/reader')).access_token)).toEqual([])
    expect((await as('spiffe://other.example/ns/agents/sa/writer')).error).toBe('invalid_grant')
  },
  60_000,
)
