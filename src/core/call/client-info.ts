// What a client calls itself, as the gateway keeps it: it stands in log lines, the audit and pages of operators, so that no secret may be in it.
import { holdsSecret, withoutSecrets } from '../secrets/without-secrets.ts'
import type { ClientInfo } from './call.ts'

export function withoutSecretsOf(client: ClientInfo): ClientInfo {
  const { name, version } = client
  return holdsSecret(name) || holdsSecret(version) ? { ...client, name: withoutSecrets(name), version: withoutSecrets(version) } : client
}
