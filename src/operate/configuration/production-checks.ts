// What the production profile refuses, since it is only good for development.

import type { Settings } from '../../assembly/settings.ts'
import { isSecretSetting } from '../../core/secrets/secret-settings.ts'
import { error, type Finding, type Path } from '../../platform/config/index.ts'
import { bareHost, isLoopback } from '../../platform/net/loopback.ts'
import { alertFindings } from './alert-checks.ts'
import { addresses } from './server-addresses.ts'

/** `inline`: the text at a path stands in the file as it is, and not by reference. */
export function productionFindings(settings: Settings, inline: (path: Path) => boolean): Finding[] {
  if (settings.profile !== 'production') return []
  return [
    ...state(settings),
    ...log(settings),
    ...publicAddress(settings),
    ...clearText(settings),
    ...secretsInline(settings, inline),
    ...alertFindings(settings, inline),
  ]
}

function state({ stateDir }: Settings): Finding[] {
  if (stateDir !== undefined && stateDir !== 'off') return []
  const lost = 'so that keys, sessions and the audit would be lost at each restart'
  const what = stateDir === 'off' ? `is \`off\`, ${lost}` : `is missing, ${lost}`
  return [error(['stateDir'], what, 'the production profile needs a folder of its own, for example /var/lib/signalbox')]
}

function log({ log: { level } }: Settings): Finding[] {
  return level === 'trace' ? [error(['log', 'level'], '`trace` is for development', 'use debug or less in the production profile')] : []
}

function publicAddress({ publicUrl }: Settings): Finding[] {
  if (publicUrl === undefined) return []
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol === 'https:' || isLoopback(bareHost(hostname))) return []
  return [
    error(['publicUrl'], 'is plain http, so that tokens would cross the network in clear text', 'write the https address that clients use'),
  ]
}

function clearText({ servers }: Settings): Finding[] {
  return Object.entries(servers).flatMap(([name, server]) => {
    if (Object.keys(server.headers).length === 0 && (server.auth === undefined || server.auth.type === 'none')) return []
    return addresses(['servers', name], server).flatMap(({ path, url }) => {
      if (url.protocol !== 'http:' || isLoopback(bareHost(url.hostname))) return []
      const what = 'its headers and its credential would cross the network in clear text'
      return [error(path, what, 'use https; the production profile refuses http beyond this machine')]
    })
  })
}

function secretsInline(settings: Settings, inline: (path: Path) => boolean): Finding[] {
  const findings: Finding[] = []
  const walk = (value: unknown, path: Path): void => {
    if (typeof value === 'string') {
      if (isSecretSetting(path) && inline(path)) {
        const what = 'is a secret that stands in the file, for everybody who reads it or its history'
        findings.push(error(path, what, 'give it by reference: `${env:NAME}` or `${file:PATH}`'))
      }
      return
    }
    if (Array.isArray(value)) for (const [at, one] of value.entries()) walk(one, [...path, at])
    else if (typeof value === 'object' && value !== null) for (const [key, one] of Object.entries(value)) walk(one, [...path, key])
  }
  const { servers, auth, vault, tls, connect } = settings
  walk({ servers, auth, vault, tls, connect }, [])
  return findings
}
