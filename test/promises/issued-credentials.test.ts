// Credentials that the gateway gets while it runs come back to nobody, whatever a server makes of them: a real authorization server
// (oidc-provider) gives them, and a server of either era repeats what it was called with.
import { afterEach, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { client, startOAuthServer } from '../peers/oauth-server.mjs'
import { eventually } from '../peers/processes.ts'
import { metric, modern, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const masked = '[secret masked: own_credential]'

interface World {
  readonly gateway: UnderTest
  readonly server: Scripted
  /** The token of each request that came with one. */
  tokens(): readonly string[]
  call(name: string): Promise<string>
}

async function world(era: 'modern' | 'legacy', ttlS = 300): Promise<World> {
  const issuer = await startOAuthServer({ format: 'opaque', ttlS })
  open.push(() => issuer.close())
  const tokens = (): string[] => server.seen.flatMap(({ headers }) => headers.authorization?.slice(7) ?? [])
  const server = await startScripted({
    era,
    tools: ({ authorization }) =>
      ['plain', 'nested', 'refuses', 'tells', 'asks', 'before'].map((name) => plainTool(name, { description: `for ${authorization}` })),
    call: ({ name, params, id, res, answer, fail }) => {
      const said = String(res.req.headers.authorization)
      const nested = JSON.stringify({ headers: { authorization: said }, url: `https://a.example/?t=${encodeURIComponent(said.slice(7))}` })
      if (name === 'plain') answer(textResult(`you are ${said}`))
      else if (name === 'nested') answer({ content: [{ type: 'text', text: nested }], structuredContent: JSON.parse(nested) })
      else if (name === 'refuses') fail(-32_000, `refused ${said}`)
      else if (name === 'before') answer(textResult([...new Set(tokens())].join(' ')))
      else {
        const token = params._meta?.progressToken
        const event = (body: unknown): string => `data: ${JSON.stringify({ jsonrpc: '2.0', ...(body as object) })}\n\n`
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.write(event({ method: 'notifications/progress', params: { progressToken: token, progress: 1, message: `as ${said}` } }))
        res.write(event({ method: 'notifications/message', params: { level: 'error', data: { said } } }))
        const question = {
          method: 'elicitation/create',
          params: { message: `as ${said}`, requestedSchema: { type: 'object', properties: {} } },
        }
        if (name === 'tells')
          res.end(event({ id, result: { ...(era === 'modern' ? { resultType: 'complete' } : {}), ...textResult('told') } }))
        // It waits for the answer.
        else if (era === 'legacy') res.write(event({ id: 'question', ...question }))
        else res.end(event({ id, result: { resultType: 'input_required', inputRequests: { question } } }))
      }
    },
  })
  open.push(server.close)
  const auth = { type: 'clientCredentials', issuer: issuer.issuer, clientId: client.id, clientSecret: client.secret }
  const gateway = await startUnderTest({ servers: { up: { url: server.url, era, auth } } })
  open.push(gateway.stop)
  expect(
    await eventually(async () => (await modern(gateway.base, 'tools/list', {}, { mount: '/up' })).message.result?.tools?.length > 0),
  ).toBe(true)
  const call = async (name: string): Promise<string> => {
    const meta = { progressToken: 7, 'io.modelcontextprotocol/logLevel': 'debug' }
    const capabilities = { elicitation: { form: {} } }
    return (await modern(gateway.base, 'tools/call', { name, arguments: {}, _meta: meta }, { mount: '/up', capabilities })).text
  }
  return { gateway, server, tokens, call }
}

promise('R60', 'that writes the access token into its lists gives it to nobody, and operators see none', async () => {
  for (const era of ['modern', 'legacy'] as const) {
    const made = await world(era)
    const listed = await modern(made.gateway.base, 'tools/list', {}, { mount: '/up' })
    expect(listed.message.result.tools[0].description).toBe(`for Bearer ${masked}`)
    const pages = await Promise.all(
      ['/admin/v1/tools', '/admin/v1/upstreams', '/metrics'].map((page) => send(`${made.gateway.admin}${page}`, 'GET', undefined)),
    )
    expect(strays([...new Set(made.tokens())], listed.text + pages.map(({ text }) => text).join())).toEqual([])
  }
})

const strays = (tokens: readonly string[], text: string): string[] =>
  tokens.flatMap((token) => [token, encodeURIComponent(token), JSON.stringify(token).slice(1, -1)].filter((one) => text.includes(one)))

describe.each(['modern', 'legacy'] as const)('a server (%s)', (era) => {
  promise('R60', 'that gives back the access token that it was called with gives it to nobody', async () => {
    const made = await world(era)
    const answers = {
      plain: await made.call('plain'),
      nested: await made.call('nested'),
      refuses: await made.call('refuses'),
      tells: await made.call('tells'),
      asks: await made.call('asks'),
    }
    const tokens = [...new Set(made.tokens())]
    expect(tokens).toHaveLength(1)
    expect(tokens[0]?.length).toBeGreaterThan(20)
    for (const [name, text] of Object.entries(answers)) {
      expect(strays(tokens, text), name).toEqual([])
      expect(text, name).toContain(masked)
    }
    // The progress and the message.
    expect(answers.tells.split(masked)).toHaveLength(3)
    expect(answers.asks).toContain(`"message":"as Bearer ${masked}"`)
    expect(answers.asks).toContain('"resultType":"input_required"')
    const [, nested] = /"structuredContent":(\{.*?\}\})/.exec(answers.nested) ?? [undefined, '{}']
    expect(nested).toContain(`Bearer ${masked}`)
    const counted = await metric(made.gateway.admin, 'signalbox_masked_total')
    expect([...counted.keys()]).toEqual(['upstream="up",rule="own_credential"'])
  })

  promise('R60', 'that keeps tokens gives none of those that were renewed since', async () => {
    const made = await world(era, 2)
    await made.call('plain')
    expect(
      await eventually(async () => {
        await made.call('plain')
        return new Set(made.tokens()).size >= 3
      }),
    ).toBe(true)
    const text = await made.call('before')
    const tokens = [...new Set(made.tokens())]
    expect(strays(tokens, text)).toEqual([])
    expect(text).toContain(`"${Array(tokens.length).fill(masked).join(' ')}"`)
  })
})
