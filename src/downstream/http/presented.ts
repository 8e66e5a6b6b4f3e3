// What an HTTP request shows of its caller, read when somebody asks: an anonymous gateway asks for nothing.
import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { HeaderLines, PeerCertificate, Presented } from '../../core/ports/gateway.ts'
import { header, modernRevision } from '../../core/protocol/names.ts'

export class PresentedByHttp implements Presented, HeaderLines {
  readonly transport: 'http' | 'sse'
  readonly mount: string
  private readonly req: IncomingMessage

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

  get headers(): HeaderLines {
    return this
  }

  /**
   * The lines of one header. `headers` of Node would keep the first of two credentials and not tell; its `headersDistinct` fails on names
   * such as `constructor`. One or two names are asked for, so no table is made of all.
   */
  get(name: string): readonly string[] | undefined {
    const { rawHeaders } = this.req
    let lines: string[] | undefined
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const raw = rawHeaders[i] as string
      if (raw.length !== name.length || raw.toLowerCase() !== name) continue
      const value = rawHeaders[i + 1] as string
      if (lines === undefined) lines = [value]
      else lines.push(value)
    }
    return lines
  }

  get certificate(): PeerCertificate | undefined {
    const { socket } = this.req
    return socket instanceof TLSSocket ? certificateOf(socket) : undefined
  }

  get remoteAddress(): string | undefined {
    const { socket } = this.req
    return socket.remoteAddress ?? (isOfSocketFile(socket) ? 'unix' : undefined)
  }
}

/** A connection of the network that is over has no address either. */
function isOfSocketFile(socket: Socket): boolean {
  const { server } = socket as Socket & { readonly server?: Server }
  return typeof server?.address() === 'string'
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
