// `signalbox grants list` and `grants revoke`: which grants towards servers a gateway keeps, and taking them back, whether it runs or not.

import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { type ListedGrant, listGrants, revokeGrants } from '../../gateway/credentials/index.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { type ExitCode, exit } from './exit.ts'
import { table } from './text.ts'
import { failed, withStore } from './with-store.ts'

export interface GrantsOptions {
  readonly config?: string
  readonly json?: boolean
  readonly server?: string
  readonly principal?: string
}

export function grantsList(options: GrantsOptions): Promise<ExitCode> {
  return withStore(options, async ({ durable }) => {
    const found = await listGrants(durable, options)
    if (!found.ok) return failed(found.fault.message)
    if (options.json === true) process.stdout.write(`${jsonForTerminal(JSON.stringify({ grants: found.value.map(shown) }))}\n`)
    else process.stdout.write(found.value.length === 0 ? 'No such grant.\n' : `${grantsTable(found.value)}\n`)
    return exit.ok
  })
}

export async function grantsRevoke(options: GrantsOptions & { readonly all?: boolean }): Promise<ExitCode> {
  if (options.server === undefined && options.principal === undefined && options.all !== true) {
    process.stderr.write('Say which: --server, --principal, or --all\n')
    return exit.usage
  }
  return withStore(options, async ({ durable }) => {
    const done = await revokeGrants(durable, options, systemClock.now())
    if (!done.ok) return failed(done.fault.message)
    const text = done.value === 1 ? 'One grant was revoked.' : `${done.value} grants were revoked.`
    process.stdout.write(options.json === true ? `${JSON.stringify({ revoked: done.value })}\n` : `${text}\n`)
    return exit.ok
  })
}

/** A grant of the gateway itself has no principal. */
function shown({ iss, sub, expiresMs, updatedMs, reason, ...rest }: ListedGrant): Record<string, unknown> {
  return {
    ...rest,
    principal: sub === '' ? null : { iss, sub },
    expires: expiresMs === null ? null : new Date(expiresMs).toISOString(),
    reason,
    updated: new Date(updatedMs).toISOString(),
  }
}

function grantsTable(grants: readonly ListedGrant[]): string {
  const rows = grants.map(({ server, iss, sub, issuer, status, scopes, expiresMs }) => [
    server,
    sub === '' ? '(the gateway)' : `${sub} (${iss})`,
    issuer,
    status,
    scopes,
    expiresMs === null ? '' : new Date(expiresMs).toISOString(),
  ])
  return table([['server', 'principal', 'issuer', 'status', 'scopes', 'token until'], ...rows].map((row) => row.map(forTerminal)))
}
