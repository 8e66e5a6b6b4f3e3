// Where one signal is exported to: what configuration says, then the variables of the OpenTelemetry specification ("OTLP Exporter
// Configuration"), then their defaults. A variable that cannot be read is as absent, and told of.
import { readFileSync } from 'node:fs'
import type { OtlpSettings } from '../settings.ts'

export type OtlpSignal = 'traces' | 'metrics' | 'logs'
export type OtlpProtocol = 'http/protobuf' | 'http/json' | 'grpc'
export type Environment = Readonly<Record<string, string | undefined>>

export interface OtlpTarget {
  readonly signal: OtlpSignal
  readonly protocol: OtlpProtocol
  /** With the path of the signal; of `grpc` scheme, host and port alone. */
  readonly url: URL
  /** Values may be credentials: never log them. */
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly compression: 'gzip' | 'none'
  readonly tls: { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined }
}

export interface ReadTarget {
  /** Undefined where nothing is exported. */
  readonly target: OtlpTarget | undefined
  /** What of the environment could not be read, by the name of its variable. */
  readonly unread: readonly string[]
}

export function readTarget(signal: OtlpSignal, configured: OtlpSettings | undefined, env: Environment): ReadTarget {
  const unread: string[] = []
  const variables = new Variables(env, signal, unread)
  const isAsked = configured?.signals === undefined || configured.signals.some((one) => one === signal)
  if (!isAsked || variables.off(configured?.endpoint !== undefined)) return { target: undefined, unread }
  const protocol = configured?.protocol ?? variables.oneOf('PROTOCOL', protocols) ?? 'http/protobuf'
  const url = endpointOf(signal, protocol, configured, variables)
  if (url === undefined) return { target: undefined, unread }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(configured?.headers ?? variables.headers())) headers[name.toLowerCase()] = value
  return {
    target: {
      signal,
      protocol,
      url,
      headers,
      timeoutMs: configured?.timeout ?? variables.milliseconds('TIMEOUT') ?? 10_000,
      compression: configured?.compression ?? variables.oneOf('COMPRESSION', ['gzip', 'none']) ?? 'gzip',
      tls: {
        ca: configured?.ca ?? variables.file('CERTIFICATE'),
        cert: configured?.cert ?? variables.file('CLIENT_CERTIFICATE'),
        key: configured?.key ?? variables.file('CLIENT_KEY'),
      },
    },
    unread,
  }
}

/** What of it must never be written anywhere. */
export function secretsOf({ headers, tls }: OtlpTarget): readonly string[] {
  return [...Object.values(headers), ...(tls.key === undefined ? [] : [tls.key])]
}

const protocols = ['http/protobuf', 'http/json', 'grpc'] as const

function endpointOf(
  signal: OtlpSignal,
  protocol: OtlpProtocol,
  configured: OtlpSettings | undefined,
  variables: Variables,
): URL | undefined {
  if (configured?.endpoint !== undefined) return withPath(new URL(configured.endpoint), signal, protocol)
  const own = variables.url(variables.ownName('ENDPOINT'))
  // The address of one signal is taken as it is.
  if (own !== undefined) return own
  const common = variables.url('OTEL_EXPORTER_OTLP_ENDPOINT')
  return common === undefined ? undefined : withPath(common, signal, protocol)
}

function withPath(base: URL, signal: OtlpSignal, protocol: OtlpProtocol): URL {
  if (protocol === 'grpc') return new URL(base.origin)
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/${signal}`
  return url
}

class Variables {
  private readonly env: Environment
  private readonly signal: OtlpSignal
  private readonly unread: string[]

  constructor(env: Environment, signal: OtlpSignal, unread: string[]) {
    this.env = env
    this.signal = signal
    this.unread = unread
  }

  /** `OTEL_SDK_DISABLED` and `OTEL_TRACES_EXPORTER`: what configuration asks for is done all the same. */
  off(isConfigured: boolean): boolean {
    if (isConfigured) return false
    const exporter = this.value(`OTEL_${this.signal.toUpperCase()}_EXPORTER`)
    return this.value('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || (exporter !== undefined && !exporter.split(',').includes('otlp'))
  }

  ownName(what: string): string {
    return `OTEL_EXPORTER_OTLP_${this.signal.toUpperCase()}_${what}`
  }

  url(name: string): URL | undefined {
    const text = this.value(name)
    if (text === undefined) return undefined
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url !== undefined && /^https?:$/.test(url.protocol)) return url
    return this.cannotRead(name)
  }

  oneOf<T extends string>(what: string, known: readonly T[]): T | undefined {
    const [name, text] = this.named(what)
    if (text === undefined) return undefined
    return known.find((one) => one === text.toLowerCase()) ?? this.cannotRead(name)
  }

  milliseconds(what: string): number | undefined {
    const [name, text] = this.named(what)
    if (text === undefined) return undefined
    return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : this.cannotRead(name)
  }

  /** `name=value,…`, values percent-encoded, as baggage has them. */
  headers(): Record<string, string> {
    const [name, text] = this.named('HEADERS')
    const read: Record<string, string> = {}
    for (const pair of text?.split(',') ?? []) {
      if (pair.trim() === '') continue
      const [, key = '', value = ''] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? []
      const decoded = key === '' ? undefined : decode(value)
      if (decoded === undefined) this.cannotRead(name)
      else read[key] = decoded
    }
    return read
  }

  file(what: string): string | undefined {
    const [name, path] = this.named(what)
    if (path === undefined) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return this.cannotRead(name)
    }
  }

  private named(what: string): readonly [name: string, value: string | undefined] {
    const own = this.ownName(what)
    const value = this.value(own)
    if (value !== undefined) return [own, value]
    const common = `OTEL_EXPORTER_OTLP_${what}`
    return [common, this.value(common)]
  }

  /** An empty variable is as absent. */
  private value(name: string): string | undefined {
    const text = this.env[name]?.trim()
    return text === '' ? undefined : text
  }

  private cannotRead(name: string): undefined {
    if (!this.unread.includes(name)) this.unread.push(name)
    return undefined
  }
}

/** Undefined where it cannot be a value of a header. */
function decode(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text)
    return /^[\t\x20-\x7e]*$/.test(value) ? value : undefined
  } catch {
    return undefined
  }
}
