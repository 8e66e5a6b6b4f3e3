// Bodies of OTLP requests and what their answers say, by the serialisers of OpenTelemetry. Loaded where something is exported.
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { Encoding } from './export-queue.ts'
import type { OtlpProtocol } from './target.ts'

type Spans = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0]

/** Of `http/json` JSON, of the others protobuf. */
export function spansEncoding(protocol: OtlpProtocol): Encoding<Spans[number]> {
  const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer
  return {
    encode: (spans) => {
      const body = serializer.serializeRequest(spans as Spans)
      if (body === undefined) throw new Error('The serialiser gave nothing')
      return body
    },
    rejectedIn: (answer) => Number(answer.length === 0 ? 0 : (serializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0)),
  }
}
