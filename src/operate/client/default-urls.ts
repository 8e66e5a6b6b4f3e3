// Where a gateway stands unless its configuration says otherwise (`listen`, `admin.listen`).
import { adminSocketBeside } from '../configuration/address.ts'
import { socketIn } from './socket-address.ts'

export const defaultUrl = 'http://127.0.0.1:4280/mcp'
export const defaultAdminUrl = 'http://127.0.0.1:4281'

/** Where the admin door stands by default of the gateway at this endpoint: the next port of the same machine. Undefined of another machine. */
export function adminUrlBeside(url: string): string | undefined {
  const socket = socketIn(url)
  if (socket !== undefined) return `unix:${adminSocketBeside(socket.path)}`
  const { hostname, port, protocol } = new URL(url)
  if (protocol !== 'http:' || !['127.0.0.1', 'localhost', '[::1]'].includes(hostname) || !/^[1-9]\d*$/.test(port)) return undefined
  return Number(port) < 65_535 ? `http://127.0.0.1:${Number(port) + 1}` : undefined
}
