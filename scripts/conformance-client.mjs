// The driver of the conformance suite's client role: starts a gateway whose only server is the suite's (its URL is the last argument), and
// calls it through the gateway as MCP_CONFORMANCE_SCENARIO wants. Whatever reaches the suite comes from the gateway.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { SkillsClient, SkillVerificationError } from '@modelcontextprotocol/client/ext/skills'

const url = process.argv.at(-1)
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? ''
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}')
const modern = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === '2026-07-28'
const main = process.env.SIGNALBOX_MAIN ?? new URL('../dist/main.js', import.meta.url).pathname

const everyTool = async (client) => {
  const { tools } = await client.listTools()
  for (const { name, inputSchema } of tools) await client.callTool({ name, arguments: argumentsFor(inputSchema) })
}

/** A host that loads a skill: what the server changed on the way must reach it as it is, so that it sees that and stops. */
const loadSkill = async (client) => {
  const skills = new SkillsClient(client)
  const [entry] = (await skills.list()).skills
  try {
    await skills.read(entry)
    await skills.read(entry, 'references/FORMS.md')
  } catch (error) {
    if (!(error instanceof SkillVerificationError)) throw error
  }
}

/** What each scenario wants to see; the others want the lists to be read. */
const drives = {
  tools_call: (client) => client.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } }),
  'elicitation-sep1034-client-defaults': everyTool,
  'sse-retry': everyTool,
  'sep-2322-client-request-state': async (client) => {
    // The unrelated call happens while the first one waits for its user.
    const other = () => client.callTool({ name: 'test_mrtr_unrelated', arguments: {} })
    during.push(other)
    await client.callTool({ name: 'test_mrtr_echo_state', arguments: {} })
    await client.callTool({ name: 'test_mrtr_no_state', arguments: {} })
    await client.callTool({ name: 'test_mrtr_no_result_type', arguments: {} })
  },
  'sep-2640-client-no-prefetch': (client) => new SkillsClient(client).list(),
  'sep-2640-client-verify-digest': loadSkill,
  'sep-2640-client-verify-size': loadSkill,
  'sep-2640-client-verify-frontmatter': loadSkill,
  'http-standard-headers': async (client) => {
    await everyTool(client)
    const { resources } = await client.listResources()
    for (const { uri } of resources) await client.readResource({ uri })
    const { prompts } = await client.listPrompts()
    for (const { name } of prompts) await client.getPrompt({ name })
  },
  'http-custom-headers': async (client) => {
    await client.listTools()
    // A null where the tool's schema wants a boolean is refused by the gateway before anything is sent: absent is the same to the check.
    const present = (args) => Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null))
    for (const { name, arguments: args } of context.toolCalls) await client.callTool({ name, arguments: present(args) })
  },
  'http-invalid-tool-headers': everyTool,
  'json-schema-2020-12-preservation': async (client) => {
    const { tools } = await client.listTools()
    const { inputSchema } = tools.find(({ name }) => name === 'json_schema_2020_12_tool')
    await client.callTool({ name: 'json_schema_echo', arguments: { schema: inputSchema } })
  },
  'json-schema-ref-no-deref': async (client) => {
    await client.listTools()
    // Compiles the schema, at the latest.
    await client.callTool({ name: 'lookup_user', arguments: { id: 'someone' } }).catch(() => undefined)
  },
}

const during = []

/** Who signed in at the identity provider of the enterprise, as its ID token says; a gateway in front of ours has seen to that, and the driver is it. */
const person = context.idp_id_token === undefined ? undefined : JSON.parse(Buffer.from(context.idp_id_token.split('.')[1], 'base64url')).sub
const front =
  person === undefined
    ? undefined
    : {
        settings: {
          subject: 'X-User',
          token: { header: 'X-Id-Token' },
          proof: { from: ['127.0.0.1/32'], sharedSecret: 'of-the-gateway-in-front' },
        },
        headers: { 'X-User': person, 'X-Id-Token': context.idp_id_token, 'Signalbox-Proof': 'of-the-gateway-in-front' },
      }

/** How the gateway gets its credential in the scenarios of authorization. */
function upstreamAuth() {
  if (!scenario.startsWith('auth/')) return {}
  const { client_id: clientId, client_secret: clientSecret } = context
  switch (scenario) {
    case 'auth/client-credentials-jwt':
      return { auth: { type: 'privateKeyJwt', clientId, key: context.private_key_pem, algorithm: context.signing_algorithm ?? 'ES256' } }
    case 'auth/client-credentials-basic':
      return { auth: { type: 'clientCredentials', clientId, clientSecret } }
    case 'auth/wif-jwt-bearer':
      return { auth: { type: 'jwtBearer', clientId, assertion: context.valid_jwt } }
    case 'auth/enterprise-managed-authorization':
      return {
        auth: {
          type: 'idJag',
          clientId,
          clientSecret,
          identityProvider: { issuer: context.idp_issuer, clientId: context.idp_client_id },
          discovery: { type: 'principal', iss: 'signalbox:trusted-header', sub: person },
        },
      }
    case 'auth/basic-cimd':
      // The document that the suite stands for, as one that an operator hosts.
      return {
        auth: {
          type: 'authorizationCode',
          discovery: { type: 'principal' },
          clientId: 'https://conformance-test.local/client-metadata.json',
        },
      }
    default: {
      const own = clientId === undefined ? {} : { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) }
      // The suite says nowhere that its server wants proofs.
      const proofs = scenario.startsWith('auth/dpop') ? { dpop: 'always' } : {}
      return { auth: { type: 'authorizationCode', discovery: { type: 'principal' }, ...own, ...proofs } }
    }
  }
}

/** Opens links of the gateway and presses the button, as the user of a browser. */
class Person {
  opened = new Set()
  cookie = ''

  constructor(port) {
    this.port = port
  }

  /** `refused` where the page says that it cannot be done; undefined where there is nothing to open. */
  async link(text) {
    const found = new RegExp(`http://127\\.0\\.0\\.1:${this.port}/connect/[A-Za-z0-9_-]{43}`).exec(text)?.[0]
    if (found === undefined || this.opened.has(found)) return undefined
    this.opened.add(found)
    const page = await this.go(found, {})
    const token = /name="token" value="([^"]*)"/.exec(page)?.[1]
    if (token === undefined) return 'refused'
    const shown = await this.go(found, { method: 'POST', body: new URLSearchParams({ token }) })
    return shown.includes('is linked') ? 'linked' : 'refused'
  }

  async go(address, init) {
    const answer = await fetch(address, { ...init, redirect: 'manual', headers: { cookie: this.cookie } })
    const set = answer.headers.getSetCookie().map((line) => line.split(';')[0])
    if (set.length > 0) this.cookie = set.join('; ')
    const to = answer.headers.get('location')
    return to === null ? answer.text() : this.go(new URL(to, address).href, {})
  }
}

function argumentsFor(schema) {
  const values = { string: 'text', integer: 1, number: 1, boolean: true, object: {}, array: [], null: null }
  return Object.fromEntries((schema.required ?? []).map((name) => [name, values[schema.properties?.[name]?.type] ?? 'text']))
}

async function startGateway(folder) {
  const config = join(folder, 'signalbox.yaml')
  const peer = { url, bareNames: true, ...upstreamAuth() }
  writeFileSync(
    config,
    JSON.stringify({
      listen: '127.0.0.1:0',
      stateDir: 'off',
      servers: { peer },
      ...(front && { auth: { trustedHeader: front.settings } }),
    }),
  )
  const child = spawn(process.execPath, [main, 'up', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  const { port, admin } = await new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(JSON.parse(text.split('\n')[0]))
    })
    child.on('exit', (code) => reject(new Error(`the gateway ended with ${code}`)))
  })
  // The catalogue fills with what the token of this caller is exchanged for, so they come first.
  if (front !== undefined) await fetch(`http://127.0.0.1:${port}/mcp`, { headers: front.headers })
  const person = new Person(String(port))
  let linkedAt = Number.NEGATIVE_INFINITY
  for (let i = 0; i < 1_200; i += 1) {
    const { upstreams } = await fetch(`${admin}/admin/v1/upstreams`).then((r) => r.json())
    if (upstreams?.every?.(({ state }) => state === 'ready')) return { child, port, admin, person }
    // Whoever operates the gateway links the account that fills the catalogue; what ends in a refusal ends the scenario. The link of an
    // attempt that was under way meanwhile asks for what has been given: a person waits to see what the first has brought.
    const linked = performance.now() - linkedAt < 2_000 ? undefined : await person.link(JSON.stringify(upstreams))
    if (linked === 'linked') linkedAt = performance.now()
    if (linked === 'refused') return { child, port: undefined, person }
    // The server of this scenario takes no scope for enough: once that is told there is nothing to open, and nothing to wait for.
    const isShort = ({ reason = '' }) => scenario === 'auth/scope-retry-limit' && reason.includes('wants the scope')
    if (linked === undefined && performance.now() - linkedAt > 2_000 && upstreams?.every?.(isShort)) return { child, port, admin, person }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  child.kill('SIGTERM')
  throw new Error('the gateway did not get ready')
}

/** What an agent does with a fault that has a link: hands it to its user, and calls again. */
async function callWithLinks(client, person) {
  const { tools } = await client.listTools()
  for (const { name, inputSchema } of tools) {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const result = await client.callTool({ name, arguments: argumentsFor(inputSchema) })
      if (result.isError !== true || (await person.link(JSON.stringify(result))) !== 'linked') break
    }
  }
}

async function drive(port, person) {
  if (port === undefined) return
  const capabilities = { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} }
  const client = new Client(
    { name: 'conformance-driver', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: modern ? { pin: '2026-07-28' } : 'legacy' } },
  )
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    for (const call of during.splice(0)) await call()
    const { required = [], properties = {} } = params.requestedSchema ?? {}
    const confirmed = 'confirmed' in properties ? { confirmed: true } : {}
    return { action: 'accept', content: { ...confirmed, ...argumentsFor({ required, properties }) } }
  })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`), { requestInit: { headers: front?.headers ?? {} } }),
  )
  const usual = scenario.startsWith('auth/') ? (one) => callWithLinks(one, person) : (one) => one.listTools()
  await (drives[scenario] ?? usual)(client)
  await client.close()
}

const folder = mkdtempSync(join(tmpdir(), 'signalbox-client-'))
let gateway
try {
  gateway = await startGateway(folder)
  await drive(gateway.port, gateway.person)
  // A server that went to another issuer has lists that wait for a new grant.
  const told = gateway.port === undefined ? '' : await fetch(`${gateway.admin}/admin/v1/upstreams`).then((r) => r.text())
  if ((await gateway.person.link(told)) === 'linked') await drive(gateway.port, gateway.person)
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  const ended = gateway && new Promise((resolve) => gateway.child.once('exit', resolve))
  gateway?.child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
