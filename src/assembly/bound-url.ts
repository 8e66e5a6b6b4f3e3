// The address that the front door is bound to, as a URL.
import { isSocketFile, type ListenAddress } from '../core/ports/listen-address.ts'

/** `bound`: absent, there is no front door. */
export function boundUrl(bound: ListenAddress | undefined, isSecure: boolean): string {
  if (bound === undefined) return `${isSecure ? 'https' : 'http'}://127.0.0.1:0`
  // What a proxy in front says of itself the gateway does not know.
  if (isSocketFile(bound)) return 'http://localhost'
  const { host, port } = bound
  return `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
