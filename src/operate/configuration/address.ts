// Reads and writes HOST:PORT, and the path of a UNIX socket.
import { isIPv6 } from 'node:net'
import { isAbsolute } from 'node:path'
import { isSocketFile, type ListenAddress } from '../../core/ports/listen-address.ts'
import { isLoopback } from '../../platform/net/loopback.ts'

const unix = 'unix:'

/** Longest path of a socket that every system takes, in bytes. */
const longestPath = 103

/** `127.0.0.1:4280`, `localhost:0`, `[::1]:4280`, `unix:/run/signalbox.sock`. `mode`: of a socket, in octal. Undefined where it is no such thing. */
export function parseAddress(text: string, mode = '0660'): ListenAddress | undefined {
  if (text.startsWith(unix)) {
    const path = text.slice(unix.length)
    const fits = isAbsolute(path) && !path.endsWith('/') && !path.includes('\u0000') && Buffer.byteLength(path) <= longestPath
    return fits ? { path, mode: Number.parseInt(mode, 8) } : undefined
  }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (port > 65_535 || (match[1] !== undefined && !isIPv6(match[1]))) return undefined
  return { host, port }
}

/** Where the admin door is to stand: undefined for nowhere. By default beside the front door, so that two gateways on one machine do not meet. */
export function adminAddress(text: string | undefined, front: ListenAddress, mode?: string): ListenAddress | undefined {
  if (text !== undefined) return text === 'off' ? undefined : parseAddress(text, mode)
  if (isSocketFile(front)) return { ...front, path: adminSocketBeside(front.path) }
  // It asks nobody who they are, so beyond this machine it stands only where the configuration says so.
  return { host: isLoopback(front.host) ? front.host : '127.0.0.1', port: front.port === 0 || front.port === 65_535 ? 0 : front.port + 1 }
}

export function adminSocketBeside(path: string): string {
  return path.endsWith('.sock') ? `${path.slice(0, -'.sock'.length)}-admin.sock` : `${path}-admin`
}

/** Whether only this machine can reach it. */
export function isOfThisMachine(address: ListenAddress): boolean {
  return isSocketFile(address) || isLoopback(address.host)
}

export function formatAddress(address: ListenAddress): string {
  if (isSocketFile(address)) return `${unix}${address.path}`
  const { host, port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** What a client of this machine would call; of a socket its path. */
export function urlOf(address: ListenAddress, scheme: 'http' | 'https' = 'http'): string {
  return isSocketFile(address) ? formatAddress(address) : `${scheme}://${formatAddress(address)}`
}

/** What stands in tokens and links where the configuration names no `publicUrl`. */
export function ownUrl(address: ListenAddress): string {
  return isSocketFile(address) ? 'http://localhost' : urlOf(address)
}
