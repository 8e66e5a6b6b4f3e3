// A collector for tests: takes traces and metrics, and keeps them as they came.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { Metadata, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { eventually } from '../../peers/processes.ts'
import { type Metric, metricsIn } from './metrics.ts'
import { type Read, read, traceRequest } from './protobuf.ts'

export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** '' of a root. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'other'
  /** Ns since the epoch. */
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly error: boolean
  readonly message: string
  readonly events: readonly { readonly name: string; readonly time: bigint }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly sampled: boolean
  readonly resource: Readonly<Record<string, unknown>>
  readonly scope: string
}

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly spans: readonly Span[]
}

export interface ReceivedMetrics {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly metrics: readonly Metric[]
}

export interface Receiver {
  readonly url: string
  /** Of traces. */
  readonly requests: Received[]
  readonly metricsRequests: ReceivedMetrics[]
  spans(): readonly Span[]
  /** Waits until a span is there. */
  span(holds: (span: Span) => boolean): Promise<Span>
  close(): Promise<void>
}

/** `answer`: in place of a good one, for the request of this number from 0 of its signal; false: a good one. */
export type Answering = (res: ServerResponse, number: number, req: IncomingMessage) => boolean | undefined

export interface Tls {
  readonly cert: string
  readonly key: string
  /** Clients have to show a certificate of this authority. */
  readonly clientCa?: string
}

export interface Answers {
  readonly traces?: Answering
  readonly metrics?: Answering
}

const isOfMetrics = (path: string): boolean => path.includes('metrics')

export async function startReceiver(answers: Answering | Answers = {}, tls?: Tls): Promise<Receiver> {
  const requests: Received[] = []
  const metricsRequests: ReceivedMetrics[] = []
  const sockets = new Set<Socket>()
  const { traces = () => false, metrics = () => false } = typeof answers === 'function' ? { traces: answers } : answers
  const numbers = { traces: -1, metrics: -1 }
  const take = (req: IncomingMessage, res: ServerResponse): void => {
    const { url: path = '', headers } = req
    const signal = isOfMetrics(path) ? 'metrics' : 'traces'
    numbers[signal] += 1
    const own = numbers[signal]
    const parts: Buffer[] = []
    req.on('data', (part: Buffer) => parts.push(part))
    req.on('end', () => {
      if ((signal === 'metrics' ? metrics : traces)(res, own, req) !== false) return
      const sent = Buffer.concat(parts)
      const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
      const isJson = req.headers['content-type'] === 'application/json'
      if (signal === 'metrics') metricsRequests.push({ path, headers, metrics: metricsIn(body, isJson) })
      else requests.push({ path, headers, spans: isJson ? spansInJson(JSON.parse(body.toString())) : spansIn(read(body, traceRequest)) })
      res.writeHead(200, { 'content-type': req.headers['content-type'] }).end(isJson ? '{}' : '')
    })
  }
  const server =
    tls === undefined
      ? createServer(take)
      : createTlsServer(
          { cert: tls.cert, key: tls.key, ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true }) },
          take,
        )
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    metricsRequests,
    ...found(requests),
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** The same over gRPC. `answer`: the code of the status and when to come back; undefined: it is taken. */
export async function startGrpcReceiver(answer: (number: number) => GrpcAnswer | undefined = () => undefined): Promise<Receiver> {
  const requests: Received[] = []
  const metricsRequests: ReceivedMetrics[] = []
  const server = new Server()
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
  const metricsPath = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'
  const asIs = (bytes: Buffer): Buffer => bytes
  const plain = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs }
  let number = -1
  server.addService(
    {
      export: { path, requestStream: false, responseStream: false, ...plain },
      metrics: { path: metricsPath, requestStream: false, responseStream: false, ...plain },
    },
    {
      metrics: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        const headers = call.metadata.getMap() as Received['headers']
        metricsRequests.push({ path: metricsPath, headers, metrics: metricsIn(call.request, false) })
        reply(null, Buffer.alloc(0))
      },
      export: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
        number += 1
        const own = answer(number)
        if (own !== undefined) {
          const metadata = new Metadata()
          if (own.details !== undefined) metadata.set('grpc-status-details-bin', own.details)
          reply({ code: own.code, details: 'no', metadata })
          return
        }
        requests.push({ path, headers: call.metadata.getMap() as Received['headers'], spans: spansIn(read(call.request, traceRequest)) })
        reply(null, Buffer.alloc(0))
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  return { url: `http://127.0.0.1:${port}`, requests, metricsRequests, ...found(requests), close: async () => server.forceShutdown() }
}

export interface GrpcAnswer {
  readonly code: number
  readonly details?: Buffer
}

function found(requests: readonly Received[]): Pick<Receiver, 'spans' | 'span'> {
  const spans = (): Span[] => requests.flatMap((request) => request.spans)
  return {
    spans,
    span: async (holds) => {
      await eventually(() => spans().some(holds))
      return spans().find(holds) as Span
    },
  }
}

const kinds = ['other', 'internal', 'server', 'client'] as const

/** Of a request in protobuf. */
export function spansIn(request: Read): Span[] {
  const all: Span[] = []
  for (const { resource, scopeSpans } of listOf(request.resourceSpans))
    for (const { scope, spans } of listOf(scopeSpans))
      for (const span of listOf(spans)) {
        const status = (span.status ?? {}) as Read
        all.push({
          traceId: String(span.traceId),
          spanId: String(span.spanId),
          parentSpanId: String(span.parentSpanId ?? ''),
          traceState: String(span.traceState ?? ''),
          name: String(span.name),
          kind: kinds[Number(span.kind)] ?? 'other',
          start: span.start as bigint,
          end: span.end as bigint,
          attributes: attributesOf(span.attributes),
          error: status.code === 2,
          message: String(status.message ?? ''),
          events: listOf(span.events).map(({ name, time }) => ({ name: String(name), time: time as bigint })),
          links: listOf(span.links).map(({ traceId, spanId }) => ({ traceId: String(traceId), spanId: String(spanId) })),
          sampled: (Number(span.flags) & 1) === 1,
          resource: attributesOf((resource as Read | undefined)?.attributes),
          scope: String((scope as Read | undefined)?.name ?? ''),
        })
      }
  return all
}

/** The JSON encoding (OTLP/JSON) in the shape of the other. */
function spansInJson(request: Read): Span[] {
  const value = (of: Read): Read => {
    if ('stringValue' in of) return { string: of.stringValue }
    if ('boolValue' in of) return { bool: of.boolValue }
    if ('intValue' in of) return { int: Number(of.intValue) }
    if ('doubleValue' in of) return { double: of.doubleValue }
    return { array: { values: listOf((of.arrayValue as Read).values).map(value) } }
  }
  const attributes = (of: unknown): unknown => listOf(of).map(({ key, value: own }) => ({ key, value: value(own as Read) }))
  return spansIn({
    resourceSpans: listOf(request.resourceSpans).map(({ resource, scopeSpans }) => ({
      resource: { attributes: attributes((resource as Read).attributes) },
      scopeSpans: listOf(scopeSpans).map(({ scope, spans }) => ({
        scope,
        spans: listOf(spans).map((span) => ({
          ...span,
          attributes: attributes(span.attributes),
          start: BigInt(String(span.startTimeUnixNano)),
          end: BigInt(String(span.endTimeUnixNano)),
        })),
      })),
    })),
  })
}

function attributesOf(told: unknown): Record<string, unknown> {
  return Object.fromEntries(listOf(told).map(({ key, value }) => [String(key), plain(value as Read)]))
}

function plain(value: Read): unknown {
  if ('array' in value) return listOf((value.array as Read).values).map(plain)
  return value.string ?? value.bool ?? value.int ?? value.double
}

function listOf(value: unknown): readonly Read[] {
  return (value ?? []) as readonly Read[]
}
