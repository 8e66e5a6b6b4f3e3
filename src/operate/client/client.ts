// A small MCP 2026-07-28 client over HTTP, enough for a person to try what a gateway serves.
import { request } from 'undici'
import { encodeHeaderValue } from '../../core/protocol/headers.ts'
import { type IncomingNotification, type IncomingResult, readMessage } from '../../core/protocol/jsonrpc.ts'
import { header, metaKey, modernRevision } from '../../core/protocol/names.ts'
import { MalformedJson } from '../../core/protocol/scan.ts'
import { SseParser } from '../../core/protocol/sse.ts'
import { packageVersion } from '../package-root.ts'
import { type Destination, destinationOf } from './destination.ts'
import { wholeBody } from './whole-body.ts'

/** What went wrong, for a person; `code` is the JSON-RPC code where the gateway answered with an error. */
export class ClientProblem extends Error {
  readonly code: number | undefined
  constructor(message: string, code?: number) {
    super(message)
    this.code = code
  }
}

export interface Asking {
  /** Members of `params` beside `_meta`, each as JSON text, so that numbers stay as they were typed. */
  readonly params?: Readonly<Record<string, string>>
  /** `Mcp-Name`, where the method has one. */
  readonly name?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly capabilities?: Readonly<Record<string, unknown>>
  readonly onNotification?: (notification: IncomingNotification) => void
  readonly signal?: AbortSignal
}

/** Larger answers are not for a terminal. */
const largestAnswer = 67_108_864

export class GatewayClient {
  readonly #url: string
  readonly #destination: Destination
  readonly #credential: Readonly<Record<string, string>>
  #id = 0

  /** `credential`: headers that show who asks. */
  constructor(url: string, credential: Readonly<Record<string, string>> = {}) {
    const destination = destinationOf(url, '/mcp')
    if (destination === undefined) throw new ClientProblem(`${url} is no address; write it as http://127.0.0.1:4280/mcp`)
    this.#url = url
    this.#destination = destination
    this.#credential = credential
  }

  /** Sends one request. Rejects with `ClientProblem` where no result comes. */
  async ask(method: string, asking: Asking = {}): Promise<IncomingResult> {
    const meta = JSON.stringify({
      [metaKey.protocolVersion]: modernRevision,
      [metaKey.clientInfo]: { name: 'signalbox-cli', version: packageVersion() },
      [metaKey.clientCapabilities]: asking.capabilities ?? {},
      ...(asking.onNotification === undefined ? {} : { progressToken: 1, [metaKey.logLevel]: 'info' }),
    })
    const members = Object.entries({ _meta: meta, ...asking.params }).map(([key, text]) => `${JSON.stringify(key)}:${text}`)
    this.#id += 1
    const body = `{"jsonrpc":"2.0","id":${this.#id},"method":${JSON.stringify(method)},"params":{${members.join(',')}}}`
    const response = await this.#post(
      body,
      {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        [header.protocolVersion]: modernRevision,
        [header.method]: method,
        ...(asking.name === undefined ? {} : { [header.name]: encodeHeaderValue(asking.name) }),
        ...asking.headers,
        ...this.#credential,
      },
      asking.signal,
    )
    if (response.statusCode === 401) {
      await response.body.dump()
      throw new ClientProblem(
        this.#credential.authorization === undefined
          ? `${this.#url} lets nobody in unknown: sign in with \`signalbox login --url ${this.#url}\`, or give a token with --token`
          : `${this.#url} does not take this token: sign in with \`signalbox login --url ${this.#url}\`, or give another with --token`,
      )
    }
    const type = String(response.headers['content-type'] ?? '')
    if (type.startsWith('text/event-stream')) return this.#fromEvents(response.body, asking)
    const bytes = await wholeBody(response.body, largestAnswer)
    if (bytes === undefined) throw this.#tooLarge()
    return this.#answer(bytes, response.statusCode) ?? this.#noMcp(response.statusCode)
  }

  /** Every item of a list method, page by page. */
  async list(method: string, member: string): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = []
    let cursor: string | undefined
    do {
      const { result } = await this.ask(method, cursor === undefined ? {} : { params: { cursor: JSON.stringify(cursor) } })
      const page = result.json() as Record<string, unknown>
      if (Array.isArray(page[member])) items.push(...(page[member] as Record<string, unknown>[]))
      const next = typeof page.nextCursor === 'string' ? page.nextCursor : undefined
      if (next === cursor) break
      cursor = next
    } while (cursor !== undefined)
    return items
  }

  async #post(body: string, headers: Record<string, string>, signal: AbortSignal | undefined) {
    try {
      const { url, ...through } = this.#destination
      const limits = { headersTimeout: 0, bodyTimeout: 0, signal: signal ?? null }
      return await request(url, { method: 'POST', headers, body, ...limits, ...through })
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code
      if (signal?.aborted === true) throw new ClientProblem('cancelled')
      if (code === 'ECONNREFUSED' || (code === 'ENOENT' && this.#destination.dispatcher !== undefined)) {
        throw new ClientProblem(`nothing listens at ${this.#url}; start the gateway with \`signalbox up\`, or give its address with --url`)
      }
      throw new ClientProblem(`${this.#url} cannot be reached (${code ?? (thrown as Error).message})`)
    }
  }

  async #fromEvents(body: AsyncIterable<Uint8Array>, asking: Asking): Promise<IncomingResult> {
    const parser = new SseParser(largestAnswer)
    let answer: IncomingResult | undefined
    let problem: unknown
    const onEvent = (data: Uint8Array) => {
      if (data.length === 0) return
      try {
        const message = readMessage(data)
        if (message.kind === 'notification') asking.onNotification?.(message)
        else answer = this.#answer(data, 200)
      } catch (thrown) {
        problem ??= thrown
      }
    }
    try {
      for await (const chunk of body) if (!parser.push(chunk, (event) => onEvent(event.data))) throw this.#tooLarge()
    } catch (thrown) {
      if (thrown instanceof ClientProblem) throw thrown
      if (asking.signal?.aborted === true) throw new ClientProblem('cancelled')
      throw new ClientProblem(
        `the connection was lost before the answer came (${(thrown as Error).message}); whether the call was executed is unknown`,
      )
    }
    if (problem !== undefined) throw problem
    return answer ?? this.#noMcp(200)
  }

  #tooLarge(): ClientProblem {
    return new ClientProblem(`the answer of ${this.#url} is larger than ${largestAnswer} bytes`)
  }

  #answer(bytes: Uint8Array, status: number): IncomingResult | undefined {
    try {
      const message = readMessage(bytes)
      if (message.kind === 'error')
        throw new ClientProblem(message.message === '' ? `error ${message.code}` : message.message, message.code)
      return message.kind === 'result' ? message : undefined
    } catch (thrown) {
      if (thrown instanceof MalformedJson) return this.#noMcp(status)
      throw thrown
    }
  }

  #noMcp(status: number): never {
    throw new ClientProblem(`${this.#url} answered with HTTP ${status} and no MCP message; is this the endpoint of a gateway?`)
  }
}
