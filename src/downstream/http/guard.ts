// The first check: is this Host ours and may pages of this Origin call us? Stops DNS rebinding and foreign pages (MCP §transports, security).
import type { IncomingMessage } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'

export interface GuardSettings {
  readonly profile: 'dev' | 'production'
  readonly hosts: readonly string[]
  readonly origins: readonly string[]
}

/** Verdicts on good headers are remembered, so that a client costs one look-up a request; refusals are worked out each time. */
const remembered = 256

export class Guard {
  private readonly settings: GuardSettings
  private readonly hosts: ReadonlySet<string>
  private readonly origins: ReadonlySet<string>
  private readonly goodHosts = new Set<string>()
  private readonly goodOrigins = new Set<string>()

  /** `listenHost`: the name or address that the listener was given. */
  constructor(settings: GuardSettings, listenHost: string) {
    this.settings = settings
    this.hosts = new Set([...settings.hosts, listenHost].map((host) => bracketless(host.toLowerCase())).filter((host) => !isWildcard(host)))
    this.origins = new Set(settings.origins.map((origin) => origin.toLowerCase()))
  }

  /** `named`: the host of a target in absolute-form; without one it is that of the header. */
  host(req: IncomingMessage, host = req.headers.host): Fault | undefined {
    if (host !== undefined && this.goodHosts.has(host)) return undefined
    const name = host === undefined ? '' : nameOf(host.toLowerCase())
    if (isLoopbackName(name) || this.hosts.has(name) || (host !== undefined && this.hosts.has(host.toLowerCase()))) {
      if (host !== undefined) remember(this.goodHosts, host)
      return undefined
    }
    // An address that the connection really arrived at needs no name and so cannot be rebound.
    if (name !== '' && name === bareAddress(req.socket.localAddress)) return undefined
    return fault('host_refused', { host: host ?? '(none)', setting: 'http.hosts' })
  }

  origin(origin: string): Fault | undefined {
    if (this.goodOrigins.has(origin)) return undefined
    const lower = origin.toLowerCase()
    if (this.origins.has(lower) || (this.settings.profile === 'dev' && isLoopbackOrigin(lower))) {
      remember(this.goodOrigins, origin)
      return undefined
    }
    return fault('origin_refused', { origin, setting: 'http.origins' })
  }
}

function remember(known: Set<string>, value: string): void {
  if (known.size >= remembered) known.clear()
  known.add(value)
}

/** Host header less its port. */
function nameOf(host: string): string {
  if (host.startsWith('[')) return host.slice(1, Math.max(1, host.indexOf(']')))
  const colon = host.lastIndexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

function bracketless(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

/** Says on which addresses to listen, and is itself the name of none. */
function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '::1' || name.endsWith('.localhost') || isLoopbackAddress(name)
}

function isLoopbackAddress(name: string): boolean {
  if (!name.startsWith('127.')) return false
  const parts = name.split('.')
  return parts.length === 4 && parts.every((part) => part !== '' && part.length <= 3 && Number(part) >= 0 && Number(part) <= 255)
}

function isLoopbackOrigin(origin: string): boolean {
  if (!origin.startsWith('http://') && !origin.startsWith('https://')) return false
  return URL.canParse(origin) && isLoopbackName(bracketless(new URL(origin).hostname))
}

function bareAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') ? address.slice(7) : address
}
