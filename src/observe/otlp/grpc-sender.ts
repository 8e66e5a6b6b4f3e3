// OTLP over gRPC: one unary call for each request. Loaded where it is used.
import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { Clock } from '../../core/ports/clock.ts'
import { retryInfoIn } from './retry-info.ts'
import type { OtlpSender, Sent } from './sender.ts'
import type { OtlpSignal, OtlpTarget } from './target.ts'

/** Longest answer that is taken, in bytes: one holds a sentence. */
const mostAnswer = 65_536

const methods: Readonly<Record<OtlpSignal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

/** Of what a collector may take later (OTLP, "Failures"). */
const passing: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
])

const asIs = (bytes: Buffer): Buffer => bytes

export function createGrpcSender(target: OtlpTarget, clock: Clock): OtlpSender {
  const { url, signal: of, headers, timeoutMs, tls, compression } = target
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? '443' : '80') : url.port
  const trust = secure ? credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert)) : credentials.createInsecure()
  const client = new Client(`${url.hostname}:${port}`, trust, {
    'grpc.max_receive_message_length': mostAnswer,
    'grpc.default_compression_algorithm': compression === 'gzip' ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    // A request is sent again by who sent it, with all that waits.
    'grpc.enable_retries': 0,
  })
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return {
    send: (body, signal) =>
      new Promise((resolve) => {
        let late = false
        const call = client.makeUnaryRequest(methods[of], asIs, asIs, Buffer.from(body), metadata, {}, (error, answer) => {
          timer.cancel()
          signal.removeEventListener('abort', end)
          resolve(error === null ? { kind: 'taken', answer } : late ? tooLate(timeoutMs) : meaning(error))
        })
        const end = (): void => call.cancel()
        const timer = clock.timer(timeoutMs, () => {
          late = true
          call.cancel()
        })
        signal.addEventListener('abort', end, { once: true })
        if (signal.aborted) end()
      }),
    close: async () => client.close(),
  }
}

function meaning({ code, metadata }: ServiceError): Sent {
  const reason = `gRPC ${status[code] ?? code}`
  const [details] = metadata.get('grpc-status-details-bin')
  const afterMs = details instanceof Buffer ? retryInfoIn(details) : undefined
  if (passing.has(code)) return { kind: 'again', reason, afterMs }
  // Only a collector that says when may be asked again.
  if (code === status.RESOURCE_EXHAUSTED && afterMs !== undefined) return { kind: 'again', reason, afterMs }
  return { kind: 'refused', reason }
}

function tooLate(timeoutMs: number): Sent {
  return { kind: 'again', reason: `no answer within ${timeoutMs} ms`, afterMs: undefined }
}

function pem(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text)
}
