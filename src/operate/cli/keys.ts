// `signalbox keys create|list|revoke`: API keys in the store of a gateway, whether it runs or not.

import { defaultTenant } from '../../core/call/tenant-key.ts'
import { dayMs, durationMs } from '../../core/text/duration.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { type ApiKey, callerMethods } from '../../gateway/identity/index.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import type { Loaded } from '../configuration/load.ts'
import type { Issuing } from '../issuing.ts'
import { styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { withIssuing } from './with-issuing.ts'

export interface KeysOptions {
  readonly config?: string
  readonly json?: boolean
}

export interface CreateOptions extends KeysOptions {
  readonly scope?: readonly string[]
  readonly group?: readonly string[]
  readonly tenant?: string
  readonly lifetime?: string
}

const defaultLifetimeMs = 90 * dayMs

export function keysCreate(subject: string, options: CreateOptions): Promise<ExitCode> {
  return withIssuing(options, async ({ apiKeys }, loaded) => {
    const lifetimeMs =
      options.lifetime === undefined ? (loaded.settings.auth.apiKeys?.lifetime ?? defaultLifetimeMs) : durationMs(options.lifetime)
    if (lifetimeMs === undefined || lifetimeMs <= 0) return usage('--lifetime is no duration such as 30d')
    const { tenant = defaultTenant, scope: scopes = [], group: groups = [] } = options
    const { key, kept } = await apiKeys.create({ tenant, subject, scopes, groups, lifetimeMs })
    if (options.json === true) process.stdout.write(`${JSON.stringify({ key, ...shown(kept) })}\n`)
    else {
      process.stdout.write(`${key}\n`)
      const until = new Date(kept.expiresMs).toISOString()
      process.stderr.write(
        forTerminal(`Key ${kept.id} of ${subject}, until ${until}. It is shown this once: the gateway keeps a digest of it.\n`),
      )
      tellWhereOff(loaded)
    }
    return exit.ok
  })
}

export function keysList(options: KeysOptions): Promise<ExitCode> {
  return withIssuing(options, async ({ apiKeys }) => {
    const keys = await apiKeys.list()
    if (options.json === true) process.stdout.write(`${jsonForTerminal(JSON.stringify({ keys: keys.map(shown) }))}\n`)
    else process.stdout.write(`${keys.length === 0 ? 'There are no keys.' : keysTable(keys)}\n`)
    return exit.ok
  })
}

export function keysRevoke(id: string, options: KeysOptions): Promise<ExitCode> {
  return withIssuing(options, async ({ apiKeys, revocations }: Issuing) => {
    const revoked = await apiKeys.revoke(id)
    if (revoked) await revocations.add({ kind: 'token', value: id, issuer: '' })
    if (options.json === true) process.stdout.write(`${JSON.stringify({ id, revoked })}\n`)
    else if (revoked) process.stdout.write(forTerminal(`Key ${id} is revoked; gateways that run refuse it within 5 seconds.\n`))
    else process.stderr.write(forTerminal(`There is no key ${id} that is not revoked; \`signalbox keys list\` shows them.\n`))
    return revoked ? exit.ok : exit.failed
  })
}

function tellWhereOff({ settings, source }: Loaded): void {
  if (callerMethods(settings.auth, settings.profile, false).includes('apiKey')) return
  process.stderr.write(forTerminal(`warning: ${source} takes no API keys; add \`apiKey\` to \`auth.callers\`.\n`))
}

function shown({ id, tenant, subject, scopes, groups, madeMs, expiresMs, usedMs, revokedMs }: ApiKey): Record<string, unknown> {
  const times = { made: time(madeMs), expires: time(expiresMs), used: time(usedMs), revoked: time(revokedMs) }
  return { id, tenant, subject, scopes, groups, ...times, state: stateOf({ expiresMs, revokedMs }) }
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

function stateOf({ expiresMs, revokedMs }: Pick<ApiKey, 'expiresMs' | 'revokedMs'>): 'revoked' | 'expired' | 'good' {
  if (revokedMs !== undefined) return 'revoked'
  return expiresMs <= systemClock.now() ? 'expired' : 'good'
}

function keysTable(keys: readonly ApiKey[]): string {
  const style = styleFor(process.stdout)
  const head = ['id', 'subject', 'tenant', 'groups', 'scopes', 'expires', 'last used', '']
  const rows = keys.map((key) => [
    key.id,
    key.subject,
    key.tenant,
    key.groups.join(' '),
    key.scopes.join(' '),
    time(key.expiresMs) ?? '',
    time(key.usedMs) ?? 'never',
    stateOf(key),
  ])
  return table([head, ...rows], (cell, row) => (row === 0 ? style.dim(cell) : cell))
}

function usage(what: string): ExitCode {
  process.stderr.write(`${what}\n`)
  return exit.usage
}
