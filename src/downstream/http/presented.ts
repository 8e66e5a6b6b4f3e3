// What an HTTP request shows of its caller, read when somebody asks: an anonymous gateway asks for nothing.
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { PeerCertificate, Presented } from '../../core/ports/gateway.ts'
import { header, modernRevision } from '../../core/protocol/names.ts'

export class PresentedByHttp implements Presented {
  readonly transport: 'http' | 'sse'
  readonly mount: string
  private readonly req: IncomingMessage
  private lines: ReadonlyMap<string, readonly string[]> | undefined

  constructor(req: IncomingMessage, transport: 'http' | 'sse', mount: string) {
    this.req = req
    this.transport = transport
    this.mount = mount
  }

  get verb(): string | undefined {
    return this.req.method
  }

  get path(): string | undefined {
    return this.req.url?.split('?', 1)[0]
  }

  get query(): string | undefined {
    const target = this.req.url ?? ''
    const at = target.indexOf('?')
    return at < 0 ? undefined : target.slice(at + 1)
  }

  get stepsUp(): boolean {
    return this.req.headers[header.protocolVersion] === modernRevision
  }

  get headers(): ReadonlyMap<string, readonly string[]> {
    this.lines ??= headerLines(this.req.rawHeaders)
    return this.lines
  }

  get certificate(): PeerCertificate | undefined {
    const { socket } = this.req
    return socket instanceof TLSSocket ? certificateOf(socket) : undefined
  }

  get remoteAddress(): string | undefined {
    return this.req.socket.remoteAddress
  }
}

/** `headers` of Node would keep the first of two credentials and not tell; its `headersDistinct` fails on names such as `constructor`. */
function headerLines(raw: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const lines = new Map<string, string[]>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    const value = raw[i + 1] as string
    const known = lines.get(name)
    if (known === undefined) lines.set(name, [value])
    else known.push(value)
  }
  return lines
}

function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const sent = socket.getPeerX509Certificate()
  if (sent === undefined) return undefined
  return {
    authorized: socket.authorized,
    subject: sent.subject,
    names: namesIn(sent.subjectAltName ?? ''),
    fingerprint: sent.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

/** Node writes a name that holds a separator as a JSON string, so that no name can pass for two. */
function namesIn(text: string): string[] {
  const names: string[] = []
  for (const [, kind, plain, quoted] of text.matchAll(/([^:,]+):(?:([^",]*)|("(?:[^"\\]|\\.)*"))(?:, |$)/gy)) {
    names.push(`${kind}:${quoted === undefined ? plain : JSON.parse(quoted)}`)
  }
  return names
}
