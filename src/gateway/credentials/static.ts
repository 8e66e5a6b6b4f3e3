// The credential that stands in the configuration of a server: the same for every caller and for the gateway itself.
import type { CredentialLease, Credentials } from '../../core/ports/credentials.ts'

/** `headers` of the server's configuration, by name in any case. */
export function staticCredentials(headers: Readonly<Record<string, string>>): Credentials {
  const carried = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const lease: CredentialLease = {
    id: Object.keys(carried).length === 0 ? '' : 'static',
    headers: () => carried,
    // It is all there is: an operator has to renew it.
    reject: () => false,
  }
  return { forCaller: () => lease, forDiscovery: () => lease }
}
