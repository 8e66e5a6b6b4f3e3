// Settings of the log and of what is measured. A leaf.
import { z } from 'zod'
import { durationMs, durationPattern } from '../core/text/duration.ts'
import { ratePattern, readRate } from '../core/text/rate.ts'

export const logSettings = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least severe log level that is written.'),
  format: z
    .enum(['auto', 'json', 'human'])
    .default('auto')
    .describe('`auto` is human on a terminal, JSON lines elsewhere. Always on standard error.'),
  calls: z.boolean().default(true).describe('One line per call.'),
  arguments: z
    .enum(['none', 'redacted'])
    .default('none')
    .describe(
      'What the line of a call of a tool says of its arguments and result: `redacted` the arguments without secrets and personal data (docs/redaction.md), and the shape of the result. It costs each call some microseconds.',
    ),
})

const duration = z
  .string()
  .regex(durationPattern, { error: 'is no duration: write for example 12h or 30d' })
  .transform((text) => durationMs(text) ?? 0)

const rate = z
  .string()
  .regex(ratePattern, { error: 'is no rate: write for example 5/s or 100/10s' })
  .transform((text) => readRate(text) ?? { most: 1, periodMs: 1_000 })

/** What is absent is taken from `OTEL_EXPORTER_OTLP_*`, and else has the default of OpenTelemetry. */
export const otlpSettings = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Address of the collector, for example http://127.0.0.1:4318. Over HTTP `/v1/traces` and `/v1/metrics` are added to it. Absent, and no `OTEL_EXPORTER_OTLP_ENDPOINT`: nothing is exported.',
    ),
  signals: z
    .array(z.enum(['traces', 'metrics']))
    .min(1)
    .default(['traces', 'metrics'])
    .describe('What is exported: a collector that takes traces alone, as Jaeger does, wants `[traces]`.'),
  protocol: z.enum(['http/protobuf', 'http/json', 'grpc']).optional().describe('Default: `http/protobuf`.'),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'is no name of a header' }), z.string())
    .optional()
    .describe('Headers of each request, as credentials: write their values as references.'),
  timeout: duration.optional().describe('Longest wait for the collector to take one request. Default: `10s`.'),
  compression: z.enum(['gzip', 'none']).optional().describe('Default: `gzip`.'),
  ca: z.string().optional().describe('Certificates (PEM) of the authorities that the collector is checked against.'),
  cert: z.string().optional().describe('Certificate (PEM) that is shown to the collector.'),
  key: z.string().optional().describe('Its private key (PEM).'),
})

export const telemetrySettings = z.strictObject({
  otlp: otlpSettings
    .optional()
    .describe('Where traces and metrics are exported to, by OTLP. `OTEL_*` variables hold where nothing is said here.'),
  sample: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'Share of traces that are exported, decided by their id. What failed, is suspect or slow is exported in any case. Default: what `OTEL_TRACES_SAMPLER` says, else `0.1`.',
    ),
  sampledByClients: rate
    .prefault('100/s')
    .describe('How many traces beyond `sample` are exported since their client says that they are sampled.'),
  arguments: z
    .enum(['redacted', 'none'])
    .default('redacted')
    .describe(
      'What spans of calls of tools say of their arguments and results: `redacted` the arguments without secrets and personal data (docs/redaction.md) and the shape of the result, `none` nothing.',
    ),
  baggage: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'is no key of baggage' }))
    .default([])
    .describe('Keys of the baggage of clients that servers are told of. Run and turn always are.'),
  stages: z
    .boolean()
    .default(false)
    .describe('Measure how long calls are in each stage (`signalbox_stage_seconds_total`). It costs each call some microseconds.'),
  tokens: z
    .boolean()
    .default(true)
    .describe(
      'Learn from exact counts how many tokens the texts of each tool have, in a thread with some 100 MB of memory. `false`: they are estimated from their characters alone.',
    ),
})

export const redactSettings = z.strictObject({
  keys: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, { error: 'a name of 1 to 64 characters: letters, digits, space . _ -' }))
    .max(100)
    .default([])
    .describe(
      'Names of members whose values are redacted, at any depth and in any style of writing: `customer_no` is `customerNo` and `Customer-No` too.',
    ),
  patterns: z
    .array(z.string().min(1).max(1_000))
    .max(50)
    .default([])
    .describe(
      'Regular expressions (ECMA-262; `(?i)` in front: letters of either case) of what is redacted in texts. They are matched in linear time: what looks ahead or behind, or refers back, is refused.',
    ),
})

export type LogSettings = z.infer<typeof logSettings>
export type OtlpSettings = z.infer<typeof otlpSettings>
export type TelemetrySettings = z.infer<typeof telemetrySettings>

export const auditSettings = z.strictObject({
  mode: z
    .enum(['durable', 'buffered'])
    .optional()
    .describe(
      '`durable`: no answer leaves before its row is on the disk. `buffered`: no answer waits; a gateway that is killed loses the rows of its last second at most. Default: `durable` in the production profile, `buffered` in the dev profile.',
    ),
  onLoss: z
    .enum(['closed', 'writes', 'open'])
    .optional()
    .describe(
      'Which calls are refused while the audit cannot be written: all (`closed`), those that are not known to change nothing (`writes`), or none (`open`). Default: `closed` where it is durable, `open` where it is buffered.',
    ),
  arguments: z
    .enum(['redacted', 'hashed', 'none'])
    .default('redacted')
    .describe(
      'What rows keep of the arguments of calls: all of it less secrets and personal data (`redacted`, at most 4 KiB; docs/redaction.md), a digest that is the same for the same arguments and that nobody without `seal.key` can guess from (`hashed`), or nothing (`none`).',
    ),
  retention: duration
    .prefault('90d')
    .describe(
      'How long rows of the audit are kept. They are in `audit.db` of `stateDir`; where nothing outlives a restart there is no audit.',
    ),
  anchors: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A file to which anchors are added, a line of JSON each, beside the log: keep it where whoever can write `stateDir` cannot change it. `signalbox audit verify --anchors FILE` checks the audit against it.',
    ),
  key: z
    .string()
    .optional()
    .describe(
      'The private key that signs anchors and checkpoints: PEM (PKCS #8) of Ed25519, by reference (`${file:…}`). Default: `audit.key` in `stateDir`, made at the first start.',
    ),
})

export type AuditSettings = z.infer<typeof auditSettings>
