// Connections to one origin through a forward proxy: https in a tunnel (RFC 9110 §9.3.6), http by requests in absolute-form (RFC 9112
// §3.2.2), as proxies expect it. What goes wrong before a request can leave is a `ProxyFailure`.
// undici's ProxyAgent tunnels http too, or else replaces callbacks of the handler, and its failures look like those of the server.
import { buildConnector, type Dispatcher, Pool } from 'undici'
import type { ForwardProxy } from '../../platform/net/proxies.ts'

/** The part of a pool that wires use. */
export type Origin = Pick<Pool, 'dispatch' | 'destroy'>

/** The proxy could not be reached (`cause`), or refused (`status`). It has no code: undici would take that of its cause for one of its own. */
export class ProxyFailure extends Error {
  readonly proxy: ForwardProxy
  readonly status: number | undefined

  constructor(proxy: ForwardProxy, why: Error | number) {
    super(`the proxy ${proxy.label} failed`, typeof why === 'number' ? undefined : { cause: why })
    this.proxy = proxy
    this.status = typeof why === 'number' ? why : undefined
  }
}

export function proxiedOrigin(origin: string, proxy: ForwardProxy, options: Pool.Options, connectTimeoutMs: number): Origin {
  return origin.startsWith('https:')
    ? new TunnelledOrigin(origin, proxy, options, connectTimeoutMs)
    : new ForwardedOrigin(origin, proxy, options, connectTimeoutMs)
}

class ForwardedOrigin implements Origin {
  private readonly pool: Pool
  private readonly origin: string
  private readonly own: readonly string[]

  constructor(origin: string, proxy: ForwardProxy, options: Pool.Options, connectTimeoutMs: number) {
    this.origin = origin
    this.own = proxy.authorization === undefined ? [] : ['proxy-authorization', proxy.authorization]
    this.pool = new Pool(origin, { ...options, connect: connector(proxy, connectTimeoutMs) })
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const headers = [...((request.headers ?? []) as string[]), ...this.own]
    return this.pool.dispatch({ ...request, path: this.origin + request.path, headers }, handler)
  }

  destroy(): Promise<void> {
    return this.pool.destroy()
  }
}

class TunnelledOrigin implements Origin {
  private readonly proxy: ForwardProxy
  private readonly tunnels: Pool
  private readonly pool: Pool
  private readonly secured: buildConnector.connector

  constructor(origin: string, proxy: ForwardProxy, options: Pool.Options, connectTimeoutMs: number) {
    this.proxy = proxy
    this.secured = buildConnector({ timeout: connectTimeoutMs })
    this.tunnels = new Pool(`http://${bracketed(proxy.hostname)}:${proxy.port}`, {
      connections: null,
      pipelining: 1,
      headersTimeout: connectTimeoutMs,
      connect: connector(proxy, connectTimeoutMs),
    })
    this.pool = new Pool(origin, { ...options, connect: (target, done) => this.connect(target, done) })
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.pool.dispatch(request, handler)
  }

  async destroy(): Promise<void> {
    await Promise.all([this.tunnels.destroy(), this.pool.destroy()])
  }

  private connect(target: buildConnector.Options, done: buildConnector.Callback): void {
    const { authorization } = this.proxy
    const authority = `${bracketed(target.hostname)}:${target.port === '' ? 443 : target.port}`
    const headers = { host: authority, ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) }
    this.tunnels.connect({ path: authority, headers }, (error, opened) => {
      if (error !== null) {
        done(error instanceof ProxyFailure ? error : new ProxyFailure(this.proxy, error), null)
        return
      }
      const { statusCode, socket } = opened
      if (statusCode >= 200 && statusCode < 300) {
        this.secured({ ...target, httpSocket: socket as NonNullable<buildConnector.Options['httpSocket']> }, done)
        return
      }
      // Its end is of no interest, but must not go unheard.
      socket.on('error', () => undefined).destroy()
      done(new ProxyFailure(this.proxy, statusCode), null)
    })
  }
}

/** Connects to the proxy, whatever host the pool would have. */
function connector(proxy: ForwardProxy, timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout })
  const { hostname, port, secure } = proxy
  const address = { hostname, host: bracketed(hostname), port: String(port), protocol: secure ? 'https:' : 'http:' }
  return (_, done) =>
    connect(address, (...[error, socket]) => {
      if (error === null) done(null, socket)
      else done(new ProxyFailure(proxy, error), null)
    })
}

function bracketed(hostname: string): string {
  return hostname.includes(':') ? `[${hostname}]` : hostname
}
