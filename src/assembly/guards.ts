// What configuration says of the content of results, and which credentials of it a server must never give back to a caller.
import type { TargetedCall, UpstreamId } from '../core/call/call.ts'
import type { Pass } from '../core/call/stage.ts'
import { unconfigured } from '../core/call/tool-settings.ts'
import type { Issued } from '../core/ports/credentials.ts'
import { KnownValues } from '../core/secrets/known-values.ts'
import { isTelling } from '../core/secrets/secret-names.ts'
import { BesideCalls } from '../gateway/guards/beside-calls.ts'
import { type GuardParts, type GuardSettings, guards } from '../gateway/guards/stage.ts'
import type { Settings } from './settings.ts'

export interface Guarding {
  /** Undefined where no call needs it: nothing is configured, and no server has a credential. */
  stage(): Pass<TargetedCall> | undefined
  /** What another configuration gives to a server must not come back either. */
  learn(upstream: UpstreamId, server: Settings['servers'][string]): void
  readonly issued: Issued
  /** Undefined where nothing of the server is guarded. */
  besides(upstream: UpstreamId): BesideCalls | undefined
}

export function assembleGuards(settings: Settings, parts: Pick<GuardParts, 'random' | 'report'>): Guarding {
  const kept = new Map<UpstreamId, KnownValues>()
  const learn = (id: UpstreamId, server: Settings['servers'][string]): void => {
    const given = credentialsOf(server)
    const known = kept.get(id)
    const { type = 'none' } = server.auth ?? {}
    if (known !== undefined) known.add(given)
    else if (type !== 'none' || !KnownValues.of(given).isEmpty) kept.set(id, KnownValues.of(given))
  }
  for (const [id, server] of Object.entries(settings.servers)) learn(id, server)
  const issued: Issued = (id, values) => kept.get(id)?.add(values)
  const isConfigured = Object.values(settings.tools).some(({ secrets, untrusted }) => secrets === 'mask' || untrusted === 'mark')
  const others = new Map<UpstreamId, GuardSettings>()
  const { random, report } = parts
  const guarding: GuardParts = {
    random,
    report,
    othersOf: (id) => {
      const known = others.get(id)
      if (known !== undefined) return known
      const found = othersOf(settings, id)
      others.set(id, found)
      return found
    },
    keptOf: (id) => kept.get(id),
  }
  const isNeeded = (): boolean => isConfigured || kept.size > 0
  return {
    stage: () => (isNeeded() ? guards(guarding) : undefined),
    issued,
    learn,
    besides: (id) => (isNeeded() ? new BesideCalls(guarding, id) : undefined),
  }
}

function othersOf({ tools }: Settings, id: UpstreamId): GuardSettings {
  return {
    secrets: tools[id]?.secrets ?? tools[`${id}/*`]?.secrets ?? tools['*']?.secrets ?? unconfigured.secrets,
    untrusted: unconfigured.untrusted,
  }
}

/** Every text of the configuration of a server that has the name of a secret, what follows such an option, and passwords in addresses. */
export function credentialsOf(server: unknown): readonly string[] {
  const found: string[] = []
  walk(server, '', found)
  return found
}

const headerScheme = /^(?:bearer|basic|token) +/i

function walk(value: unknown, name: string, found: string[]): void {
  if (typeof value === 'string') {
    for (const [, password = ''] of value.matchAll(/\/\/[^/\s:@]{0,256}:([^/\s@]{1,1024})@/g)) found.push(password)
    if (isTelling(name) || /cookie$/i.test(name) || headerScheme.test(value)) {
      const credential = value.replace(headerScheme, '')
      found.push(credential)
      if (/^basic /i.test(value)) found.push(Buffer.from(credential, 'base64').toString('utf8').split(':').slice(1).join(':'))
    }
  } else if (Array.isArray(value)) {
    value.forEach((one, at) => {
      const before: unknown = value[at - 1]
      const option = typeof before === 'string' && before.startsWith('-') ? before.replace(/^-+/, '') : name
      const split = typeof one === 'string' ? /^--?([\w-]{1,64})=(.+)$/s.exec(one) : null
      walk(split === null ? one : split[2], split === null ? option : (split[1] as string), found)
    })
  } else if (typeof value === 'object' && value !== null) for (const [key, one] of Object.entries(value)) walk(one, key, found)
}
