// The real front door with the legacy doors behind it, and the real SDK clients that tests connect.
import { PassThrough } from 'node:stream'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { LegacyHttpDoor } from '../../../src/downstream/door.ts'
import { createLegacyHttpDoor } from '../../../src/downstream/legacy/http.ts'
import type { Outsiders } from '../../../src/downstream/legacy/outside.ts'
import type { SessionSettings, SseSettings } from '../../../src/downstream/settings.ts'
import { createSseDoor, type SseDoor } from '../../../src/downstream/sse/door.ts'
import { serveStdio } from '../../../src/downstream/stdio/door.ts'
import { type OpenDoor, openDoor } from './http-peer.ts'
import type { Imitation } from './imitation.ts'
import { type ContextChange, type TestContext, testContext } from './test-gateway.ts'

export interface Rig extends OpenDoor {
  readonly context: TestContext
  readonly legacyDoor: LegacyHttpDoor
  readonly sseDoor: SseDoor
  readonly origin: string
  close(): Promise<void>
}

export interface RigChange extends ContextChange {
  readonly sessions?: Partial<SessionSettings>
  readonly sse?: Partial<SseSettings>
  readonly graceMs?: number
  /** Of another replica: the same key and the same store. */
  readonly beside?: TestContext
  readonly outsiders?: Outsiders
}

export function rigContext(gateway: Imitation, change: RigChange = {}): TestContext {
  const context = testContext(gateway, change)
  const { settings } = context
  return {
    ...context,
    ...(change.beside === undefined ? {} : { sealer: change.beside.sealer, ephemeral: change.beside.ephemeral }),
    ...(change.outsiders === undefined ? {} : { outsiders: change.outsiders }),
    settings: {
      ...settings,
      sessions: { ...settings.sessions, ...change.sessions },
      sse: { ...settings.sse, ...change.sse },
      drain: { graceMs: change.graceMs ?? settings.drain.graceMs },
    },
  }
}

export async function rig(gateway: Imitation, change: RigChange = {}): Promise<Rig> {
  const context = rigContext(gateway, change)
  const legacyDoor = createLegacyHttpDoor(context)
  const sseDoor = createSseDoor(context)
  const at = await openDoor(context, { legacy: legacyDoor, sse: sseDoor })
  return Object.assign(at, { context, legacyDoor, sseDoor, origin: `http://127.0.0.1:${at.port}`, close: () => at.door.close() })
}

export const everything = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } }

/** SDK 1.x over Streamable HTTP or HTTP+SSE. `principal` becomes the bearer token. */
export async function connect(
  at: Rig,
  options: { capabilities?: object; principal?: string; over?: 'http' | 'sse'; path?: string; prepare?: (client: Client) => void } = {},
): Promise<{ client: Client; transport: StreamableHTTPClientTransport | SSEClientTransport }> {
  const client = new Client({ name: 'sdk-one', version: '1.32' }, { capabilities: options.capabilities ?? {} })
  options.prepare?.(client)
  const requestInit = { headers: { authorization: options.principal ?? 'alice' } }
  const transport =
    options.over === 'sse'
      ? new SSEClientTransport(new URL(options.path ?? '/sse', at.origin), { requestInit })
      : new StreamableHTTPClientTransport(new URL(options.path ?? '/mcp', at.origin), {
          requestInit,
          reconnectionOptions: { initialReconnectionDelay: 20, maxReconnectionDelay: 40, reconnectionDelayGrowFactor: 1, maxRetries: 3 },
        })
  // The transports' own `sessionId?: string` is looser than the interface under exactOptionalPropertyTypes.
  await client.connect(transport as Transport)
  return { client, transport }
}

/** Waits until something holds; for effects that have no event. */
export async function until(holds: () => boolean, what = 'it'): Promise<void> {
  for (let i = 0; i < 2_000; i += 1) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`${what} did not happen`)
}

/** The answers to these lines, each sent after the one before it was answered. */
export async function overStdio(open: Imitation, ...said: string[]): Promise<unknown[]> {
  const input = new PassThrough()
  const output = new PassThrough()
  const answers: unknown[] = []
  let text = ''
  output.on('data', (chunk) => {
    text += chunk
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      answers.push(JSON.parse(text.slice(0, end)))
      text = text.slice(end + 1)
    }
  })
  const served = serveStdio(rigContext(open), { input, output, mount: '' })
  for (const [n, line] of said.entries()) {
    input.write(`${line}\n`)
    await until(() => answers.length > n)
  }
  input.end()
  await served
  return answers
}
