// OTLP over HTTP, binary or JSON. Whatever the other end answers becomes a value, and no more of it is read than an answer can be.
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici'
import type { Clock } from '../../core/ports/clock.ts'
import { ofRetryAfter } from '../../core/protocol/retry-times.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import type { OtlpSender, Sent } from './sender.ts'
import type { OtlpTarget } from './target.ts'

/** Longest answer that is read, in bytes: one holds a sentence. */
const mostAnswer = 65_536
const zipped = promisify(gzip)

/** Of what a collector may take later (OTLP, "Retryable Response Codes"). */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504])

export function createHttpSender(target: OtlpTarget, clock: Clock, proxies: Pick<Proxies, 'find'> | undefined): OtlpSender {
  const dispatcher = dispatcherFor(target, proxies)
  const { url, protocol, compression, timeoutMs } = target
  const headers: Record<string, string> = { ...target.headers }
  headers['content-type'] = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf'
  if (compression === 'gzip') headers['content-encoding'] = 'gzip'
  return {
    send: async (body, signal) => {
      const limit = new AbortController()
      const end = (): void => limit.abort()
      const timer = clock.timer(timeoutMs, end)
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
      try {
        const sent = compression === 'gzip' ? await zipped(body, { level: 1 }) : body
        const answer = await request(url, { method: 'POST', headers, body: sent, signal: limit.signal, dispatcher })
        return meaning(answer.statusCode, await read(answer.body), waitIn(answer.headers['retry-after'], clock))
      } catch (error) {
        const late = limit.signal.aborted && !signal.aborted
        return { kind: 'again', reason: late ? `no answer within ${timeoutMs} ms` : reasonOf(error), afterMs: undefined }
      } finally {
        timer.cancel()
        signal.removeEventListener('abort', end)
      }
    },
    close: () => dispatcher.destroy(),
  }
}

function meaning(status: number, answer: Uint8Array | undefined, afterMs: number | undefined): Sent {
  if (status >= 200 && status < 300) return { kind: 'taken', answer }
  const reason = `HTTP ${status}`
  return passing.has(status) ? { kind: 'again', reason, afterMs } : { kind: 'refused', reason }
}

function waitIn(header: string | string[] | undefined, clock: Clock): number | undefined {
  return typeof header === 'string' ? ofRetryAfter(header, clock.now()) : undefined
}

/** Undefined where it is longer than an answer can be, or breaks off: what the status says holds all the same. */
async function read(body: Dispatcher.ResponseData['body']): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of body) {
      length += (part as Buffer).length
      if (length > mostAnswer) return undefined
      parts.push(part as Buffer)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(parts)
}

function dispatcherFor({ url, tls, timeoutMs }: OtlpTarget, proxies: Pick<Proxies, 'find'> | undefined): Dispatcher {
  const options = { connections: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxHeaderSize: 16_384 }
  const secured = {
    timeout: timeoutMs,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  }
  const proxy = proxies?.find(url.href)
  if (proxy === undefined) return new Agent({ ...options, connect: secured })
  const { secure, hostname, port, authorization } = proxy
  const uri = `${secure ? 'https' : 'http'}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
  return new ProxyAgent({ ...options, uri, requestTls: secured, ...(authorization === undefined ? {} : { token: authorization }) })
}

/** The code of the system where there is one: messages may quote addresses with credentials in them. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'unknown'
}
