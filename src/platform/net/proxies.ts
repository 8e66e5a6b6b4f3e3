// Which forward proxy the requests to an origin go through, as HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment say.
// Of the address of a proxy only host and port are ever told: the rest may hold a credential.
import { BlockList, isIP } from 'node:net'
import { bareHost, isLoopback } from './loopback.ts'

export interface ForwardProxy {
  /** Spoken to over TLS. */
  readonly secure: boolean
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string
  readonly port: number
  /** Value of `Proxy-Authorization`. Never log it. */
  readonly authorization: string | undefined
  /** For people: `proxy.example:3128 (HTTPS_PROXY)`. */
  readonly label: string
}

/** Why a variable names no proxy that could be used. Never quotes the variable. */
export interface ProxyProblem {
  readonly variable: string
  readonly what: string
  readonly mend: string
}

/** A predicate on host names of URLs, lower case, without brackets. */
export type HostTest = (hostname: string) => boolean

export class Proxies {
  /** Values that must never be written anywhere. */
  readonly secrets: readonly string[]
  private readonly http: Named | undefined
  private readonly https: Named | undefined
  private readonly exempt: readonly Exemption[]
  private readonly isHere: HostTest

  /** Reads the environment once. Lower case wins over upper, as in curl; an empty variable is none. `isHere`: what is always reached directly. */
  constructor(env: Readonly<Record<string, string | undefined>>, isHere: HostTest = isThisMachine) {
    const all = proxyIn(env, 'ALL_PROXY')
    this.http = proxyIn(env, 'HTTP_PROXY') ?? all
    this.https = proxyIn(env, 'HTTPS_PROXY') ?? all
    this.exempt = exemptions(given(env, 'NO_PROXY')?.value ?? '')
    this.isHere = isHere
    this.secrets = [this.http, this.https].flatMap((each) => each?.secrets ?? [])
  }

  /** The proxy on the way to an http or https address; undefined where there is none. Throws where `problem` has something to say. */
  find(address: string): ForwardProxy | undefined {
    const read = this.named(new URL(address))?.read
    if (read !== undefined && 'what' in read) throw new Error(`${read.variable} ${read.what}`)
    return read
  }

  /** Why the address cannot be reached by the way that the environment names. */
  problem(address: string): ProxyProblem | undefined {
    const read = this.named(new URL(address))?.read
    return read !== undefined && 'what' in read ? read : undefined
  }

  private named(url: URL): Named | undefined {
    const named = url.protocol === 'https:' ? this.https : this.http
    if (named === undefined) return undefined
    const host = plainHost(url)
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
    return this.isHere(host) || this.exempt.some((each) => each(host, port)) ? undefined : named
  }
}

interface Named {
  readonly read: ForwardProxy | ProxyProblem
  readonly secrets: readonly string[]
}

function given(env: Readonly<Record<string, string | undefined>>, upper: string): { variable: string; value: string } | undefined {
  for (const variable of [upper.toLowerCase(), upper]) {
    const value = env[variable]?.trim()
    if (value !== undefined && value !== '') return { variable, value }
  }
  return undefined
}

function proxyIn(env: Readonly<Record<string, string | undefined>>, upper: string): Named | undefined {
  const found = given(env, upper)
  if (found === undefined) return undefined
  const { variable, value } = found
  const wrong = (what: string): Named => ({ read: { variable, what, mend: 'write http://HOST:PORT, or unset it' }, secrets: [value] })
  const text = value.includes('://') ? value : `http://${value}`
  if (!URL.canParse(text)) return wrong('is no address of a proxy')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return wrong('names a proxy that is spoken to neither by http nor by https')
  const hostname = plainHost(url)
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const label = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port} (${variable})`
  if (url.username === '' && url.password === '') return { read: { secure, hostname, port, authorization: undefined, label }, secrets: [] }
  const user = decoded(url.username)
  const password = decoded(url.password)
  if (user === undefined || password === undefined) return wrong('holds a user or password in which a % is no escape (write it as %25)')
  const basic = Buffer.from(`${user}:${password}`).toString('base64')
  return {
    read: { secure, hostname, port, authorization: `Basic ${basic}`, label },
    secrets: [password === '' ? user : password, url.password, basic, value],
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function plainHost(url: URL): string {
  return bareHost(url.hostname).replace(/\.$/, '')
}

function isThisMachine(host: string): boolean {
  return isLoopback(host) || host.endsWith('.localhost')
}

type Exemption = (host: string, port: number) => boolean

/** Of NO_PROXY, with commas or spaces between: `*`, a host and all below it, an address, a network, each with or without a port. */
function exemptions(list: string): Exemption[] {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(exemption)
}

function exemption(entry: string): Exemption {
  if (entry === '*') return () => true
  const network = networkOf(entry)
  if (network !== undefined) return network
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|(.*?))(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
  const rightPort = (at: number): boolean => port === undefined || Number(port) === at
  const name = (bracketed ?? bare ?? '').replace(/^\*?\./, '').replace(/\.$/, '')
  if (name === '') return () => false
  if (isIP(name) === 0) return (host, at) => rightPort(at) && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)))
  const address = new BlockList()
  address.addAddress(name, family(name))
  return (host, at) => rightPort(at) && contains(address, host)
}

function networkOf(entry: string): Exemption | undefined {
  const [, address = '', bits = ''] = /^([\da-f.:]+)\/(\d{1,3})$/.exec(entry) ?? []
  if (isIP(address) === 0 || Number(bits) > (isIP(address) === 4 ? 32 : 128)) return undefined
  const network = new BlockList()
  network.addSubnet(address, Number(bits), family(address))
  return (host) => contains(network, host)
}

function contains(network: BlockList, host: string): boolean {
  return isIP(host) !== 0 && network.check(host, family(host))
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
