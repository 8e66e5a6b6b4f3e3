// `signalbox grants list` and `grants revoke`: what users and a gateway itself were granted at servers, what people allowed clients at its own
// authorization server, and taking it back, whether the gateway runs or not.

import type { ListedConsent } from '../../authorization-server/index.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { type EndedGrant, type ListedGrant, listGrants } from '../../gateway/credentials/index.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { table } from '../text.ts'
import { consentsTable, noteTakenBack, shownConsent } from './consents.ts'
import { type ExitCode, exit } from './exit.ts'
import { failed } from './refusing.ts'
import { withGranting } from './with-granting.ts'

export interface GrantsOptions {
  readonly config?: string
  readonly json?: boolean
  readonly server?: string
  readonly client?: string
  readonly principal?: string
}

export function grantsList(options: GrantsOptions): Promise<ExitCode> {
  return withGranting(options, async ({ durable, oversight }) => {
    const found = ofServers(options) ? await listGrants(durable, options) : { ok: true as const, value: [] }
    if (!found.ok) return failed(found.fault.message)
    const consents = ofClients(options) ? await oversight.consents(options) : []
    if (options.json === true) {
      const all = { grants: found.value.map(shown), consents: consents.map(shownConsent) }
      process.stdout.write(`${jsonForTerminal(JSON.stringify(all))}\n`)
    } else process.stdout.write(asText(found.value, consents))
    return exit.ok
  })
}

function asText(grants: readonly ListedGrant[], consents: readonly ListedConsent[]): string {
  if (grants.length + consents.length === 0) return 'There are no such grants.\n'
  const parts = [
    ...(grants.length === 0 ? [] : [grantsTable(grants)]),
    ...(consents.length === 0 ? [] : [`What people allowed clients here:\n${consentsTable(consents)}`]),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Whether grants towards servers are meant. */
function ofServers({ client }: GrantsOptions): boolean {
  return client === undefined
}

/** Whether consents to clients are meant. */
function ofClients({ server }: GrantsOptions): boolean {
  return server === undefined
}

export async function grantsRevoke(options: GrantsOptions & { readonly all?: boolean }): Promise<ExitCode> {
  const { server, client, principal, all } = options
  if (server === undefined && client === undefined && principal === undefined && all !== true)
    return usage('Say which: --server, --client, --principal, or --all')
  if (server !== undefined && client !== undefined)
    return usage('--server is of grants at servers, --client of what people allowed clients here')
  return withGranting(options, async (granting) => {
    const ended = ofServers(options) ? await granting.revocation.end({ server, principal }, 'an operator revoked it') : []
    const { consents, grants } = ofClients(options) ? await granting.oversight.revoke({ client, principal }) : { consents: [], grants: 0 }
    noteTakenBack(granting, consents, systemClock.now())
    if (options.json === true) {
      const told = ended.map(shownEnd)
      process.stdout.write(
        `${jsonForTerminal(JSON.stringify({ revoked: ended.length, grants: told, consents: consents.length, signIns: grants }))}\n`,
      )
    } else {
      const text = ended.length === 1 ? 'One grant was revoked.' : `${ended.length} grants were revoked.`
      const here = consents.length + grants === 0 ? '' : `${takenBack(consents.length, grants)}\n`
      process.stdout.write(
        `${ofServers(options) ? `${text}\n` : ''}${here === '' && !ofServers(options) ? 'There was no such consent.\n' : here}`,
      )
    }
    for (const one of ended)
      if (one.issuer === 'failed' || one.issuer === 'noEndpoint') process.stderr.write(forTerminal(`${warning(one)}\n`))
    return exit.ok
  })
}

function takenBack(consents: number, grants: number): string {
  const what = consents === 1 ? 'One consent to a client was' : `${consents} consents to clients were`
  const ended = grants === 1 ? 'one sign-in was ended' : `${grants} sign-ins were ended`
  return `${what} taken back, and ${ended}. Access tokens that are out end by themselves within minutes; \`signalbox token revoke\` ends them now.`
}

function warning({ grant: { key }, issuer, reason }: EndedGrant): string {
  const whose = key.sub === '' ? 'the gateway' : key.sub
  const why = issuer === 'noEndpoint' ? 'it has no revocation endpoint' : reason
  return `warning: ${key.issuer} was not told that the grant of ${whose} at ${key.server} is over (${why}). The gateway uses it no more; the issuer may take its tokens until they end.`
}

function shownEnd({ grant: { key }, issuer, reason }: EndedGrant): Record<string, unknown> {
  const principal = key.sub === '' ? null : { iss: key.iss, sub: key.sub }
  return { server: key.server, principal, issuer: key.issuer, issuerTold: issuer, ...(reason === undefined ? {} : { reason }) }
}

function usage(what: string): ExitCode {
  process.stderr.write(`${what}\n`)
  return exit.usage
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
