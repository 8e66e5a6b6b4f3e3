// Reads HOST:PORT and knows which hosts never leave this machine.
import { isIPv4, isIPv6 } from 'node:net'

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

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIPv4(host) && host.startsWith('127.')
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
