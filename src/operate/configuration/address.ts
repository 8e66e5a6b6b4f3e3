// Reads and writes HOST:PORT.
import { isIPv6 } from 'node:net'
import { isLoopback } from '../../platform/net/loopback.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:4280`, `localhost:0`, `[::1]:4280`. Undefined where it is no such thing. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (port > 65_535 || (match[1] !== undefined && !isIPv6(match[1]))) return undefined
  return { host, port }
}

/** Where the admin door is to stand: undefined for nowhere. By default beside the front door, so that two gateways on one machine do not meet. */
export function adminAddress(text: string | undefined, front: Address): Address | undefined {
  if (text !== undefined) return text === 'off' ? undefined : parseAddress(text)
  // It asks nobody who they are, so beyond this machine it stands only where the configuration says so.
  return { host: isLoopback(front.host) ? front.host : '127.0.0.1', port: front.port === 0 || front.port === 65_535 ? 0 : front.port + 1 }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
