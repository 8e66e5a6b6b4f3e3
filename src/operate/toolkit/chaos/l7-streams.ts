// Streams that clients hold open by GET: those of sessions, which may be resumed, and those of MCP 2024-11-05, which carry the answers.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { eventIn, messageIn } from './sse-text.ts'

interface Waiting {
  /** Resolves to the answer's text, once it is on the stream. */
  readonly answer: Promise<string>
  forget(): void
}

export class L7Streams {
  /** What lost streams owe, by the id that they are resumed after. */
  private readonly owed = new Map<string, string[]>()
  private readonly open = new Set<ServerResponse>()
  /** Streams of 2024-11-05 by the address that their `endpoint` event names. */
  private readonly byEndpoint = new Map<string, ServerResponse>()
  private readonly waiting = new Map<string, (answer: string) => void>()

  owe(stream: string, answer: string): void {
    this.owed.set(stream, [...(this.owed.get(stream) ?? []), answer])
  }

  /** Gives what a lost stream owes; false where nothing is known of it here. */
  resume(req: IncomingMessage, res: ServerResponse): boolean {
    const last = req.headers['last-event-id']
    const owed = typeof last === 'string' ? this.owed.get(last) : undefined
    if (owed === undefined) return false
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.end(owed.map((data) => `id: ${String(last)}\ndata: ${data}\n\n`).join(''))
    return true
  }

  /** Hands on a server's stream event by event, but for answers that somebody here waits for. */
  relay(reply: IncomingMessage, res: ServerResponse): void {
    let endpoint = ''
    let rest = ''
    this.open.add(res)
    reply.setEncoding('utf8')
    reply.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split(/\n\n|\r\n\r\n|\r\r/)
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = eventIn(block)
        if (event?.name === 'endpoint') {
          endpoint = pathOf(event.data)
          this.byEndpoint.set(endpoint, res)
        }
        const take = event === undefined ? undefined : this.waiting.get(keyOf(endpoint, messageIn(event.data)?.id))
        if (take === undefined) res.write(`${block}\n\n`)
        else take(event?.data ?? '')
      }
    })
    reply.on('error', () => res.destroy())
    reply.on('end', () => res.end(rest))
    res.on('close', () => {
      this.open.delete(res)
      if (this.byEndpoint.get(endpoint) === res) this.byEndpoint.delete(endpoint)
    })
  }

  /** Takes the answer to this id, posted to that address, off its stream. */
  await(url: string, id: unknown): Waiting {
    const key = keyOf(pathOf(url), id)
    const answer = new Promise<string>((resolve) => this.waiting.set(key, resolve))
    return { answer, forget: () => void this.waiting.delete(key) }
  }

  send(url: string, text: string): void {
    this.byEndpoint.get(pathOf(url))?.write(text)
  }

  cut(): void {
    for (const res of this.open) res.socket?.resetAndDestroy()
  }
}

function keyOf(endpoint: string, id: unknown): string {
  return `${endpoint} ${JSON.stringify(id)}`
}

function pathOf(address: string): string {
  const { pathname, search } = new URL(address, 'http://localhost')
  return pathname + search
}
