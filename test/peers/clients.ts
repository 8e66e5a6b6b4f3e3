// Real clients of every kind that a fleet has, behind one small face: SDK 1.32 and 2.4, old and new revisions, HTTP, SSE and stdio.
import type { ChildProcess } from 'node:child_process'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ResultSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

const anyResult = z.looseObject({})

export const clientKinds = [
  'v1 http',
  'v1 sse',
  'v1 stdio',
  'v2 legacy http',
  'v2 modern http',
  'v2 legacy stdio',
  'v2 modern stdio',
] as const
export type ClientKind = (typeof clientKinds)[number]

type Answer = (params: Record<string, unknown>) => unknown

/** How the client answers what servers ask; an absent one is not declared. */
export interface Answers {
  readonly elicit?: Answer
  readonly sample?: Answer
  readonly roots?: () => { uri: string; name?: string }[]
}

export interface Where {
  /** Base of the gateway, for example http://127.0.0.1:4280. */
  readonly base: string
  /** '' or '/name'. */
  readonly mount?: string
  /** For the stdio kinds: how to start `signalbox stdio`. */
  readonly command?: { readonly command: string; readonly args: string[]; readonly cwd?: string }
  readonly tap?: Tap
  /** Of each HTTP request. */
  readonly headers?: Record<string, string>
}

/** Sees the text of every message beneath the SDK, which rounds integers of 64 bits. */
export interface Tap {
  outgoing(text: string): string
  incoming(text: string): void
}

export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** JSON that the tests look into. */
export type Result = ReturnType<typeof JSON.parse>

export interface TestClient {
  readonly kind: ClientKind
  readonly modern: boolean
  /** `level: text` of each log message, in order. */
  readonly logs: string[]
  readonly updated: string[]
  /** Lists that were said to have changed. */
  readonly changed: string[]
  serverName(): string | undefined
  capabilities(): Result
  tools(): Promise<Result[]>
  call(
    name: string,
    args?: Record<string, unknown>,
    options?: { onProgress?: (p: Progress) => void; signal?: AbortSignal; logLevel?: string; timeout?: number },
  ): Promise<Result>
  resources(): Promise<Result[]>
  templates(): Promise<Result[]>
  read(uri: string): Promise<Result>
  prompts(): Promise<Result[]>
  prompt(name: string, args?: Record<string, string>): Promise<Result>
  complete(ref: Record<string, unknown>, argument: { name: string; value: string }): Promise<Result>
  setLevel(level: string): Promise<void>
  subscribe(uri: string): Promise<void>
  /** The result of a request that the SDK has no method for. */
  ask(method: string, params: Record<string, unknown>): Promise<Result>
  /** Asks to hear when the list of tools changes; session clients always do. */
  watchTools(): Promise<void>
  close(): Promise<void>
}

export async function connect(kind: ClientKind, where: Where, answers: Answers = {}, name = 'test-client'): Promise<TestClient> {
  return kind.startsWith('v1') ? connectV1(kind, where, answers, name) : connectV2(kind, where, answers, name)
}

function declared(answers: Answers): Record<string, unknown> {
  return {
    ...(answers.elicit === undefined ? {} : { elicitation: { form: {}, url: {} } }),
    ...(answers.sample === undefined ? {} : { sampling: {} }),
    ...(answers.roots === undefined ? {} : { roots: { listChanged: true } }),
  }
}

function stdioOf(where: Where): { command: string; args: string[]; cwd?: string; stderr: 'ignore' } {
  if (where.command === undefined) throw new Error('a stdio client needs the command of its gateway')
  return { ...where.command, stderr: 'ignore' }
}

function httpOf({ tap, headers }: Where): { fetch?: typeof fetch; requestInit?: RequestInit } {
  return { ...tappedFetch(tap), ...(headers === undefined ? {} : { requestInit: { headers } }) }
}

function tappedFetch(tap: Tap | undefined): { fetch?: typeof fetch } {
  if (tap === undefined) return {}
  return {
    fetch: async (url, init) => {
      const response = await fetch(url, typeof init?.body === 'string' ? { ...init, body: tap.outgoing(init.body) } : init)
      if (response.body === null) return response
      const [own, other] = response.body.tee()
      void listen(other, tap)
      return new Response(own, { status: response.status, headers: response.headers })
    },
  }
}

async function listen(stream: ReadableStream<Uint8Array>, tap: Tap): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of stream) tap.incoming(decoder.decode(chunk, { stream: true }))
  } catch {
    // The client aborted its request.
  }
}

/** The SDKs keep the process of a stdio transport to themselves. */
function tapPipes(transport: object, tap: Tap | undefined): void {
  const child = (transport as { _process?: ChildProcess })._process
  if (tap === undefined || child?.stdin === null || child?.stdin === undefined) return
  child.stdout?.on('data', (chunk: Buffer) => tap.incoming(chunk.toString('utf8')))
  const write = child.stdin.write.bind(child.stdin)
  child.stdin.write = ((text: string, ...rest: never[]) => write(tap.outgoing(text), ...rest)) as typeof write
}

async function connectV1(kind: ClientKind, where: Where, answers: Answers, name: string): Promise<TestClient> {
  const client = new ClientV1({ name, version: '1.32.2' }, { capabilities: declared(answers) })
  const logs: string[] = []
  const updated: string[] = []
  const changed: string[] = []
  if (answers.elicit !== undefined)
    client.setRequestHandler(ElicitRequestSchema, async (request) => answers.elicit?.(request.params as never) as never)
  if (answers.sample !== undefined)
    client.setRequestHandler(CreateMessageRequestSchema, async (request) => answers.sample?.(request.params as never) as never)
  if (answers.roots !== undefined) client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: answers.roots?.() ?? [] }))
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(`${params.level}: ${String(params.data)}`))
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri))
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed.push('tools'))
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void changed.push('resources'))
  const url = (path: string): URL => new URL(`${where.base}${path}${where.mount ?? ''}`)
  const transport =
    kind === 'v1 http'
      ? new HttpV1(url('/mcp'), httpOf(where))
      : kind === 'v1 sse'
        ? new SSEClientTransport(url('/sse'), httpOf(where))
        : new StdioV1(stdioOf(where))
  await client.connect(transport as never)
  tapPipes(transport, where.tap)
  return {
    kind,
    modern: false,
    logs,
    updated,
    changed,
    serverName: () => client.getServerVersion()?.name,
    capabilities: () => client.getServerCapabilities() as never,
    tools: async () => (await client.listTools()).tools as never,
    call: (tool, args = {}, options = {}) =>
      client.callTool({ name: tool, arguments: args }, undefined, {
        ...(options.onProgress === undefined ? {} : { onprogress: options.onProgress as never }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
      }) as never,
    resources: async () => (await client.listResources()).resources as never,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates as never,
    read: (uri) => client.readResource({ uri }) as never,
    prompts: async () => (await client.listPrompts()).prompts as never,
    prompt: (prompt, args = {}) => client.getPrompt({ name: prompt, arguments: args }) as never,
    complete: (ref, argument) => client.complete({ ref: ref as never, argument }) as never,
    setLevel: async (level) => void (await client.setLoggingLevel(level as never)),
    subscribe: async (uri) => void (await client.subscribeResource({ uri })),
    ask: (method, params) => client.request({ method, params }, ResultSchema) as never,
    watchTools: async () => undefined,
    close: async () => {
      if (transport instanceof HttpV1) await transport.terminateSession().catch(() => undefined)
      await client.close()
    },
  }
}

async function connectV2(kind: ClientKind, where: Where, answers: Answers, name: string): Promise<TestClient> {
  const modern = kind.includes('modern')
  const client = new ClientV2(
    { name, version: '2.4.0' },
    { capabilities: declared(answers) as never, versionNegotiation: { mode: modern ? { pin: '2026-07-28' } : 'legacy' } },
  )
  const logs: string[] = []
  const updated: string[] = []
  const changed: string[] = []
  if (answers.elicit !== undefined)
    client.setRequestHandler('elicitation/create', async (request) => answers.elicit?.(request.params as never) as never)
  if (answers.sample !== undefined)
    client.setRequestHandler('sampling/createMessage', async (request) => answers.sample?.(request.params as never) as never)
  if (answers.roots !== undefined) client.setRequestHandler('roots/list', async () => ({ roots: answers.roots?.() ?? [] }))
  client.setNotificationHandler('notifications/message', ({ params }) => void logs.push(`${params.level}: ${String(params.data)}`))
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
  client.setNotificationHandler('notifications/tools/list_changed', () => void changed.push('tools'))
  client.setNotificationHandler('notifications/resources/list_changed', () => void changed.push('resources'))
  const transport = kind.endsWith('http')
    ? new HttpV2(new URL(`${where.base}/mcp${where.mount ?? ''}`), httpOf(where))
    : new StdioV2(stdioOf(where))
  await client.connect(transport)
  tapPipes(transport, where.tap)
  let level: string | undefined
  const watched = new Set<string>()
  return {
    kind,
    modern,
    logs,
    updated,
    changed,
    serverName: () => client.getServerVersion()?.name,
    capabilities: () => client.getServerCapabilities() as never,
    tools: async () => (await client.listTools(undefined, { cacheMode: 'bypass' })).tools as never,
    call: (tool, args = {}, options = {}) => {
      const wanted = options.logLevel ?? level
      return client.callTool(
        {
          name: tool,
          arguments: args,
          ...(modern && wanted !== undefined ? { _meta: { 'io.modelcontextprotocol/logLevel': wanted } } : {}),
        } as never,
        {
          ...(options.onProgress === undefined ? {} : { onprogress: options.onProgress as never }),
          ...(options.signal === undefined ? {} : { signal: options.signal }),
          ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
        },
      ) as never
    },
    resources: async () => (await client.listResources(undefined, { cacheMode: 'bypass' })).resources as never,
    templates: async () => (await client.listResourceTemplates(undefined, { cacheMode: 'bypass' })).resourceTemplates as never,
    read: (uri) => client.readResource({ uri }, { cacheMode: 'bypass' }) as never,
    prompts: async () => (await client.listPrompts(undefined, { cacheMode: 'bypass' })).prompts as never,
    prompt: (prompt, args = {}) => client.getPrompt({ name: prompt, arguments: args }) as never,
    complete: (ref, argument) => client.complete({ ref: ref as never, argument }) as never,
    setLevel: async (wanted) => {
      level = wanted
      if (!modern) await client.setLoggingLevel(wanted as never)
    },
    subscribe: async (uri) => {
      watched.add(uri)
      if (modern) await client.listen({ resourceSubscriptions: [...watched], toolsListChanged: true })
      else await client.subscribeResource({ uri })
    },
    ask: (method, params) => client.request({ method, params }, anyResult) as never,
    watchTools: async () => {
      if (modern) await client.listen({ toolsListChanged: true })
    },
    close: () => client.close(),
  }
}
