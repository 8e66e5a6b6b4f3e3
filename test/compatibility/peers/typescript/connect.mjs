// One face for the clients of the TypeScript SDKs 1 and 2.
import { Client as Client2, StreamableHTTPClientTransport as Http2, SSEClientTransport as Sse2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport as Sse1 } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

const info = { name: 'compat', version: '1.0.0' }
const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} }
const person = async () => ({ action: 'accept', content: { name: 'Ada' } })
const sample = async () => ({ role: 'assistant', model: 'none', content: { type: 'text', text: 'something' } })
const roots = async () => ({ roots: [{ uri: 'file:///compat' }] })

/** Connects as the plan says; resolves to what to call, and the revision. */
export async function connect(plan) {
  const heard = { logs: [], updated: [], changed: 0 }
  const client = plan.flavour === 'sdk1' ? new Client1(info, { capabilities }) : second(plan)
  const kinds =
    plan.flavour === 'sdk1'
      ? {
          elicit: ElicitRequestSchema,
          sample: CreateMessageRequestSchema,
          roots: ListRootsRequestSchema,
          log: LoggingMessageNotificationSchema,
          updated: ResourceUpdatedNotificationSchema,
          changed: ToolListChangedNotificationSchema,
        }
      : {
          elicit: 'elicitation/create',
          sample: 'sampling/createMessage',
          roots: 'roots/list',
          log: 'notifications/message',
          updated: 'notifications/resources/updated',
          changed: 'notifications/tools/list_changed',
        }
  client.setRequestHandler(kinds.elicit, person)
  client.setRequestHandler(kinds.sample, sample)
  client.setRequestHandler(kinds.roots, roots)
  client.setNotificationHandler(kinds.log, ({ params }) => void heard.logs.push(String(params.data)))
  client.setNotificationHandler(kinds.updated, ({ params }) => void heard.updated.push(params.uri))
  client.setNotificationHandler(kinds.changed, () => {
    heard.changed += 1
  })
  const transport = transportOf(plan)
  await client.connect(transport)
  const revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? ''
  return { client: face(client, heard, plan.flavour === 'sdk2' && revision >= '2026'), revision }
}

function second(plan) {
  return new Client2(info, { capabilities, versionNegotiation: { mode: plan.mode === 'auto' ? 'auto' : 'legacy' } })
}

function transportOf({ flavour, transport, url, command, args, env }) {
  const first = flavour === 'sdk1'
  if (transport === 'stdio') {
    const spawned = { command, args, env: { ...process.env, ...env }, stderr: 'ignore' }
    return first ? new Stdio1(spawned) : new Stdio2(spawned)
  }
  const at = new URL(url)
  if (transport === 'sse') return first ? new Sse1(at) : new Sse2(at)
  return first ? new Http1(at) : new Http2(at)
}

function face(client, heard, modern) {
  const fresh = { cacheMode: 'bypass' }
  const meta = modern ? { _meta: { 'io.modelcontextprotocol/logLevel': 'info' } } : {}
  const v2 = client instanceof Client2
  const list = (method) => (v2 ? client[method](undefined, fresh) : client[method]())
  return {
    heard,
    ping: () => client.ping(),
    tools: async () => (await list('listTools')).tools,
    call: (name, args = {}, options = {}) =>
      v2 ? client.callTool({ name, arguments: args, ...meta }, options) : client.callTool({ name, arguments: args }, undefined, options),
    resources: async () => (await list('listResources')).resources,
    templates: async () => (await list('listResourceTemplates')).resourceTemplates,
    read: async (uri) => (await (v2 ? client.readResource({ uri }, fresh) : client.readResource({ uri }))).contents,
    prompts: async () => (await list('listPrompts')).prompts,
    prompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages,
    complete: async (name, value) =>
      (await client.complete({ ref: { type: 'ref/prompt', name: 'greet' }, argument: { name, value } })).completion.values,
    level: async () => (modern ? undefined : client.setLoggingLevel('info')),
    subscribe: async (uri) => {
      if (modern) {
        const { honoredFilter } = await client.listen({ resourceSubscriptions: [uri] })
        // How a server of 2026-07-28 says that it has no updates of a resource.
        return honoredFilter.resourceSubscriptions?.includes(uri) === true
      }
      await client.subscribeResource({ uri })
      return true
    },
    watchTools: async () => {
      if (modern) await client.listen({ toolsListChanged: true })
    },
  }
}
