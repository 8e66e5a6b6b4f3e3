// A URI that a tool gives as a link is read where it was given, though no list shows it: from the server that gave it, on every mount,
// by clients of either era, after a restart and through two gateways in a row.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type ClientKind, connect, type TestClient } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const listed = 'note://listed'
const link = (uri: string) => ({ type: 'resource_link', uri, name: 'it' })
const embedded = (uri: string) => ({ type: 'resource', resource: { uri, text: 'short form' } })

/** A server whose tools give the URI that they are asked for, and that knows the URIs of its name, and some that another knows, too. */
function linking(name: string, era: 'legacy' | 'modern', resources: readonly unknown[]): Promise<Scripted> {
  return startScripted({
    era,
    tools: [plainTool('link'), plainTool('embed')],
    resources,
    call: ({ name: tool, params, answer }) => {
      const { uri } = params.arguments
      answer({ content: [{ type: 'text', text: `see ${uri}` }, tool === 'link' ? link(uri) : embedded(uri)] })
    },
    read: (uri) => (uri.includes(name) || uri.includes('same') || uri === listed ? `${name} has ${uri}` : undefined),
  })
}

let servers: readonly Scripted[]
let inner: UnderTest
let outer: UnderTest

const some = { include: ['one/link', 'two/link', 'two/note://two/open*'], exclude: ['one/note://one/closed*'] }

beforeAll(async () => {
  const resources = [
    { uri: listed, name: 'listed' },
    { uri: 'note://x/a', name: 'a' },
  ]
  servers = [await linking('one', 'legacy', resources), await linking('two', 'modern', resources), await linking('three', 'legacy', [])]
  const entries = ['one', 'two', 'three'].map((name, index) => [name, { url: servers[index]?.url }])
  inner = await startUnderTest({ servers: Object.fromEntries(entries), toolsets: { some } })
  outer = await startUnderTest({
    servers: { in: { url: `${inner.base}/mcp` }, some: { url: `${inner.base}/mcp/some` }, other: { url: servers[2]?.url } },
  })
})
afterAll(async () => {
  await outer.stop()
  await inner.stop()
  for (const server of servers) await server.close()
})

const kinds: readonly ClientKind[] = ['v1 http', 'v1 sse', 'v2 modern http']

async function given(client: TestClient, tool: string, uri: string): Promise<string> {
  const { content } = await client.call(tool, { uri })
  return content[1].uri ?? content[1].resource.uri
}

async function text(client: TestClient, uri: string): Promise<string> {
  const { contents } = await client.read(uri)
  expect(contents[0].uri).toBe(uri)
  return contents[0].text
}

describe.each(kinds)('%s', (kind) => {
  promise('R1', 'reads what each server linked to, of one scheme and of another, on the mount of all', async () => {
    const client = await connect(kind, { base: inner.base })
    for (const uri of ['note://x/same', 'rare:same', 'same']) {
      for (const name of ['three', 'two', 'one']) {
        for (const tool of ['link', 'embed']) {
          expect(await given(client, `${name}__${tool}`, uri)).toBe(uri)
          expect(await text(client, uri)).toBe(`${name} has ${uri}`)
        }
      }
    }
    await client.close()
  })

  promise('R72', 'is given the URI of another server under the name of the one that is meant', async () => {
    const client = await connect(kind, { base: inner.base })
    const visible = await given(client, 'two__link', listed)
    expect(visible).toBe('note://two/listed')
    expect(await text(client, visible)).toBe(`two has ${listed}`)
    expect(await given(client, 'one__link', listed)).toBe(listed)
    expect(await text(client, listed)).toBe(`one has ${listed}`)
    await client.close()
  })

  promise('R1', 'reads through two gateways in a row', async () => {
    const client = await connect(kind, { base: outer.base })
    for (const uri of ['note://x/same', 'rare:same', listed]) {
      for (const name of ['two', 'one', 'three']) {
        const visible = await given(client, `in__${name}__link`, uri)
        expect(await text(client, visible)).toBe(`${name} has ${uri}`)
        expect(await given(client, 'other__link', `${uri}/same`)).toBe(`${uri}/same`)
        expect(await text(client, `${uri}/same`)).toBe(`three has ${uri}/same`)
      }
    }
    await client.close()
  })

  promise('R1', 'reads in a toolset what its tools link to, within what that says of the server', async () => {
    const client = await connect(kind, { base: inner.base, mount: '/some' })
    const refused = (uri: string) => expect(client.read(uri)).rejects.toThrow(/toolsets\.some\.include/)
    expect(await text(client, await given(client, 'one__link', 'note://one/9'))).toBe('one has note://one/9')
    expect(await text(client, await given(client, 'one__link', listed))).toBe(`one has ${listed}`)
    await refused(await given(client, 'one__link', 'note://one/closed/1'))
    await refused(await given(client, 'one__link', 'note://one/../closed'))
    expect(await text(client, await given(client, 'two__link', 'note://two/open/1'))).toBe('two has note://two/open/1')
    await refused(await given(client, 'two__link', 'note://two/secret'))
    await expect(client.read('note://one/never-given')).rejects.toThrow()
    await client.close()
  })

  promise('R1', 'reads after a restart of the gateway, by asking the servers in turn', async () => {
    const first = await connect(kind, { base: inner.base })
    const uri = await given(first, 'three__link', `odd://three/${kind.replaceAll(' ', '-')}`)
    await first.close()
    const entries = ['one', 'two', 'three'].map((name, index) => [name, { url: servers[index]?.url }])
    const again = await startUnderTest({ servers: Object.fromEntries(entries) })
    const client = await connect(kind, { base: again.base })
    expect(await text(client, uri)).toBe(`three has ${uri}`)
    const asked = servers.map((server) => server.count('resources/read'))
    expect(await text(client, uri)).toBe(`three has ${uri}`)
    expect(servers.map((server) => server.count('resources/read'))).toEqual(asked.map((count, index) => count + (index === 2 ? 1 : 0)))
    await expect(client.read('odd://nobody')).rejects.toMatchObject({ code: kind.startsWith('v1') ? -32002 : -32602 })
    await client.close()
    await again.stop()
  })
})

promise('R1', 'what a tool linked to can be watched', async () => {
  const client = await connect('v1 http', { base: inner.base })
  const uri = await given(client, 'one__link', 'rare:one/watched')
  await client.subscribe(uri)
  const watched = servers[0]?.seen.filter(({ method }) => method === 'resources/subscribe').map(({ params }) => params.uri)
  expect(watched).toContain(uri)
  await client.close()
})
