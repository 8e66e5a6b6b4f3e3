// Sound clients of the fuzzed gateway, as bytes on the wire: a modern one, a legacy one with a session, and one at the stdio door. Each tells
// every message that it got, so that the judge can count answers.
import { Agent, request } from 'node:http'
import type { Rig } from './rig.ts'
import type { Script } from './script.mjs'

// biome-ignore lint/suspicious/noExplicitAny: messages of every shape are looked into here
export type Message = any

export interface Heard {
  readonly status: number
  readonly text: string
  /** Messages in the order of their coming. */
  readonly messages: readonly Message[]
}

export type Caller = 'modern' | 'legacy' | 'stdio'
/** The progress token that every call of a sound client carries. */
export const token = 7

export class Callers {
  private readonly rig: Rig
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 })
  /** Where messages of the HTTP+SSE client are posted. */
  ssePath = ''
  private session: Record<string, string> = {}
  private lastId = 100
  private readonly waiting = new Map<number, (heard: Heard) => void>()
  private readonly lines = new Map<number, Message[]>()

  constructor(rig: Rig) {
    this.rig = rig
    rig.stdio.onLine = (line) => this.line(line)
  }

  async open(): Promise<void> {
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } }
    const answer = await this.send('POST', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }), {})
    this.session = { 'mcp-session-id': answer.header('mcp-session-id'), 'mcp-protocol-version': '2025-11-25' }
    await this.send('POST', '{"jsonrpc":"2.0","method":"notifications/initialized"}', this.session)
  }

  /** A client of HTTP+SSE that is there and says nothing by itself. */
  openSse(): Promise<void> {
    return new Promise((resolve, reject) => {
      const req = request(`${this.rig.base}/sse`, { headers: { accept: 'text/event-stream' } }, (res) => {
        let said = ''
        res.on('error', () => undefined)
        res.on('data', (chunk: Buffer) => {
          if (this.ssePath !== '') return
          said += chunk
          this.ssePath = /data: (\S+)\n\n/.exec(said)?.[1] ?? ''
          if (this.ssePath !== '') resolve()
        })
      })
      req.on('error', reject)
      req.end()
    })
  }

  close(): void {
    this.agent.destroy()
  }

  get sessionHeaders(): Readonly<Record<string, string>> {
    return this.session
  }

  nextId(): number {
    this.lastId += 1
    return this.lastId
  }

  /** A call of a tool, and all that comes of it. */
  call(caller: Caller, tool: string, args: unknown): Promise<{ id: number } & Heard> {
    const id = this.nextId()
    const params: Record<string, unknown> = { name: tool, arguments: args, _meta: { progressToken: token } }
    if (caller === 'legacy') return this.sent(id, params, this.session)
    Object.assign(params._meta as object, claim)
    if (caller === 'modern') return this.sent(id, params, { ...modernHeaders('tools/call', tool) })
    this.lines.set(id, [])
    const heard = new Promise<Heard>((resolve) => this.waiting.set(id, resolve))
    this.rig.stdio.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`)
    return heard.then((all) => ({ id, ...all }))
  }

  play(caller: Caller, target: string, script: Script): Promise<{ id: number } & Heard> {
    return this.call(caller, `${target}__play`, script)
  }

  /** A call that nothing may disturb. */
  async echo(caller: Caller, target: string): Promise<void> {
    const said = `hello ${this.nextId()}`
    const heard = await this.call(caller, `${target}__echo`, { said })
    const got = heard.messages.at(-1)?.result?.content?.[0]?.text
    if (got !== said) throw new Error(`The bystander at ${target} was answered ${JSON.stringify(heard).slice(0, 600)}`)
  }

  /** One HTTP request, and all that comes back. */
  send(
    verb: string,
    body: string | Buffer | undefined,
    headers: Readonly<Record<string, string>>,
    path = '/mcp',
  ): Promise<Heard & { header(name: string): string }> {
    return new Promise((resolve, reject) => {
      const req = request(`${this.rig.base}${path}`, { method: verb, agent: this.agent, headers: { ...usual, ...headers } }, (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const header = (name: string): string => String(res.headers[name] ?? '')
          resolve({ status: res.statusCode ?? 0, text, messages: messagesIn(text), header })
        })
      })
      req.on('error', reject)
      req.end(body)
    })
  }

  private async sent(id: number, params: unknown, headers: Readonly<Record<string, string>>): Promise<{ id: number } & Heard> {
    const heard = await this.send('POST', JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }), headers)
    return { id, ...heard }
  }

  private line(line: string): void {
    const message = parsed(line)
    for (const [id, messages] of this.lines) {
      if (message?.id !== id && message?.params?.progressToken !== token) continue
      messages.push(message)
      if (message.id !== id) continue
      this.waiting.get(id)?.({ status: 200, text: line, messages })
      this.waiting.delete(id)
      this.lines.delete(id)
    }
  }
}

const usual = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

export const claim = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }

export function modernHeaders(method: string, name?: string): Record<string, string> {
  return { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...(name === undefined ? {} : { 'mcp-name': name }) }
}

/** Of a JSON body or of the events of a stream. What is no JSON is undefined among them. */
function messagesIn(text: string): Message[] {
  if (text === '') return []
  if (text.startsWith('{') || text.startsWith('[')) return [parsed(text)].flat()
  return [...text.matchAll(/^data: ?(.+)$/gm)].map(([, data = '']) => parsed(data))
}

function parsed(text: string): Message {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
