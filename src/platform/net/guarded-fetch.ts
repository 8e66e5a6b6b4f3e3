// A fetch that no address which a peer names can turn against the gateway's own network (server-side request forgery): https, public unicast
// addresses, decided on the address that is connected to and not on its name. What the operator has configured is exempt.
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent, type Dispatcher, ProxyAgent, fetch as undiciFetch } from 'undici'
import { FetchRefused, type GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { bareHost, isLoopback } from './loopback.ts'
import type { ForwardProxy, Proxies } from './proxies.ts'

export interface GuardedFetchOptions {
  /** Addresses of the configuration: what has their origin may be http and private. */
  readonly trusted: readonly string[]
  /** Whether any address of this machine may be asked: in the dev profile. */
  readonly loopback: boolean
  readonly proxies?: Pick<Proxies, 'find'> | undefined
  /** From the request to the end of the headers, and again to the end of the body, in ms. */
  readonly timeoutMs?: number
  /** Longest body in bytes. */
  readonly maxBytes?: number
  /** Of names; for tests. */
  readonly lookup?: LookupFunction
}

export interface ClosableFetch {
  readonly fetch: GuardedFetch
  /** Other addresses are those of the configuration from now on. */
  trust(addresses: readonly string[]): void
  close(): Promise<void>
}

export function createGuardedFetch(options: GuardedFetchOptions): ClosableFetch {
  const { loopback, proxies, timeoutMs = 10_000, maxBytes = 1_048_576, lookup = systemLookup as LookupFunction } = options
  const originsOf = (addresses: readonly string[]): ReadonlySet<string> => new Set(addresses.map((address) => new URL(address).origin))
  let trusted = originsOf(options.trusted)
  const limits = { connect: { timeout: timeoutMs }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxResponseSize: maxBytes }
  const open = new Agent(limits)
  const guarded = new Agent({ ...limits, connect: { ...limits.connect, lookup: publicOnly(lookup, loopback) } })
  const through = new Map<string, ProxyAgent>()

  /** The proxy looks the names up, and has to judge where they lead. */
  const proxied = ({ secure, hostname, port, authorization }: ForwardProxy): ProxyAgent => {
    const uri = `${secure ? 'https' : 'http'}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
    let agent = through.get(uri)
    if (agent === undefined) {
      agent = new ProxyAgent({ ...limits, uri, ...(authorization === undefined ? {} : { token: authorization }) })
      through.set(uri, agent)
    }
    return agent
  }

  const wayTo = (url: URL, isTrusted: boolean): Dispatcher => {
    const proxy = proxies?.find(url.href)
    if (proxy !== undefined) return proxied(proxy)
    return isTrusted ? open : guarded
  }

  return {
    fetch: async (address, init = {}) => {
      const url = new URL(address)
      const isTrusted = trusted.has(url.origin)
      if (!isTrusted) check(url, loopback)
      const limit = AbortSignal.timeout(timeoutMs)
      const signal = init.signal instanceof AbortSignal ? AbortSignal.any([init.signal, limit]) : limit
      try {
        const answer = await undiciFetch(url, { ...init, redirect: 'manual', signal, dispatcher: wayTo(url, isTrusted) } as Parameters<
          typeof undiciFetch
        >[1])
        return answer as unknown as Response
      } catch (error) {
        // undici wraps what the look-up says.
        if (error instanceof Error && error.cause instanceof FetchRefused) throw error.cause
        throw error
      }
    },
    trust: (addresses) => {
      trusted = originsOf(addresses)
    },
    close: async () => {
      await Promise.all([open, guarded, ...through.values()].map((agent) => agent.destroy()))
    },
  }
}

/** What can be seen without asking for a name. A literal address is never looked up. */
function check(url: URL, loopback: boolean): void {
  const host = bareHost(url.hostname)
  if (url.username !== '' || url.password !== '') throw new FetchRefused(`${url.host} is named with a password`)
  const here = isLoopback(host) || (loopback && host.endsWith('.localhost'))
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && here && loopback)) {
    throw new FetchRefused(`${url.protocol}//${url.host} is not https`)
  }
  if (ipaddr.isValid(host)) refuseUnlessPublic(host, host, loopback)
}

function refuseUnlessPublic(name: string, address: string, loopback: boolean): void {
  const { range } = rangeOf(address)
  if (range === 'unicast' || (loopback && range === 'loopback')) return
  throw new FetchRefused(name === address ? `${name} is a ${range} address` : `${name} leads to ${address}, a ${range} address`)
}

/** The range of the address that would be reached: an IPv4 address that an IPv6 one carries is judged as itself. */
function rangeOf(address: string): { readonly range: string } {
  try {
    return { range: ipaddr.process(address.replace(/%.*$/, '')).range() }
  } catch {
    return { range: 'unreadable' }
  }
}

/** Judges every address of the name and connects to none if one is not public: no second look-up can give another (DNS rebinding). */
function publicOnly(lookup: LookupFunction, loopback: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0)
      const addresses = Array.isArray(found) ? found : [{ address: found, family: 4 }]
      try {
        for (const { address } of addresses) refuseUnlessPublic(hostname, address, loopback)
      } catch (refused) {
        return callback(refused as Error, '', 0)
      }
      const [first] = addresses
      if (first === undefined) return callback(new FetchRefused(`${hostname} has no address`), '', 0)
      if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}
