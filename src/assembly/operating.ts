// What the admin door answers about keys, grants, rules and the configuration: what the commands do, in the running gateway.
import { createOversight } from '../authorization-server/index.ts'
import { anonymous } from '../core/call/principal.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { type AdminParts, Problem } from '../downstream/index.ts'
import { askedTool, createPolicy, explainAsked, readAskedJson, readAskedPrincipal } from '../gateway/access/index.ts'
import { listGrants } from '../gateway/credentials/index.ts'
import { createApiKeyStore, createRevocationStore } from '../gateway/identity/index.ts'
import type { Revisions } from '../platform/config/revisions.ts'
import type { Auth } from './auth.ts'
import type { AssembledCredentials } from './credentials.ts'
import type { Reloading } from './reloading.ts'
import type { Settings } from './settings.ts'
import { shownSettings } from './shown-settings.ts'

export interface OperatingParts {
  readonly settings: Settings
  /** Where the settings came from. */
  readonly source: string
  readonly reloading: Reloading
  readonly revisions: Revisions
  readonly durable: Durable
  readonly auth: Auth
  readonly credentials: AssembledCredentials
  readonly redaction: Redaction
  readonly clock: Clock
  readonly random: Random
}

export function assembleOperating(parts: OperatingParts): Pick<AdminParts, 'keys' | 'grants' | 'config' | 'explain'> {
  const { settings, reloading, revisions, durable, auth, credentials, redaction, clock, random } = parts
  const { vault, decisions } = auth
  const apiKeys = createApiKeyStore({ durable, vault, clock, random })
  const revocations = createRevocationStore(durable, clock)
  const oversight = createOversight(durable, vault, clock)
  const policy = settings.access === undefined ? undefined : createPolicy(settings.access, clock)
  return {
    keys: {
      list: () => orAway(() => apiKeys.list()),
      revoke: (id) =>
        orAway(async () => {
          const revoked = await apiKeys.revoke(id)
          if (revoked) await revocations.add({ kind: 'token', value: id, issuer: '' })
          return revoked
        }),
    },
    grants: {
      list: (filter) =>
        orAway(async () => {
          const found = filter.client === undefined ? await listGrants(durable, filter) : ({ ok: true, value: [] } as const)
          if (!found.ok) throw new Error(found.fault.message)
          return { grants: found.value, consents: filter.server === undefined ? await oversight.consents(filter) : [] }
        }),
      revoke: (filter) =>
        orAway(async () => {
          const ended = filter.client === undefined ? await credentials.revocation.end(filter, 'an operator revoked it') : []
          const { consents, grants } = filter.server === undefined ? await oversight.revoke(filter) : { consents: [], grants: 0 }
          for (const { subject, clientId, scopes } of consents) {
            const principal = {
              ...anonymous,
              iss: 'signalbox',
              sub: subject,
              clientId,
              kind: 'user',
              scopes: scopes.split(' '),
              method: 'oauth',
            } as const
            const about = {
              id: '',
              atMs: clock.now(),
              about: 'consent',
              allowed: false,
              method: undefined,
              upstream: undefined,
              item: undefined,
            } as const
            decisions.note({ ...about, principal, rule: 'operator', credential: '', reason: 'an operator took it back' })
          }
          const untold = ended.flatMap(({ grant: { key }, issuer, reason = 'it has no revocation endpoint' }) =>
            issuer === 'failed' || issuer === 'noEndpoint'
              ? [`${key.issuer}, of ${key.sub === '' ? 'the gateway' : key.sub} at ${key.server}: ${reason}`]
              : [],
          )
          return { grants: ended.length, consents, signIns: grants, untold }
        }),
    },
    config: {
      inForce: () => ({
        source: parts.source,
        revision: reloading.revision?.number,
        digest: reloading.digest,
        config: shownSettings(settings, redaction),
      }),
      reload: (wish) => reloading.reload(wish),
      revisions: async (most, before) => {
        const found = await revisions.list(most, before)
        return found.ok ? found.value : undefined
      },
      revision: async (number) => {
        const found = await revisions.find(number)
        if (!found.ok) return undefined
        if (found.value === undefined) return 'unknown'
        const { shown, ...about } = found.value
        return { ...about, config: JSON.parse(shown) as Readonly<Record<string, unknown>> }
      },
      text: async (number) => {
        const found = await revisions.text(number)
        if (!found.ok) return undefined
        return found.value === undefined ? 'unknown' : { text: found.value }
      },
    },
    explain: ({ principal: asked, tool, args: given = '{}' }) => {
      if (policy === undefined) return 'none'
      const principal = readAskedPrincipal(asked)
      const args = readAskedJson(given)
      if (typeof principal === 'string') return { wrong: `\`principal\` ${principal}.` }
      if (args === undefined) return { wrong: '`args` is no JSON.' }
      if (!askedTool.safeParse(tool).success) return { wrong: '`tool` is not server/name, with the server’s own name of the tool.' }
      return explainAsked(policy, { principal, tool, args, now: new Date(clock.now()) })
    },
  }
}

/** The stores and what they keep reject where they are away, which is no bug of ours. */
async function orAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Problem(
      503,
      'Store unavailable',
      `The durable store cannot be had: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}
