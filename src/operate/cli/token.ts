// `signalbox token mint` and `token revoke`: short-lived tokens of the platform, signed with the keys of a gateway, and the end of any token that
// it takes, whether it runs or not.

import { isRunId, longestRunId } from '../../core/call/run.ts'
import { isSocketFile } from '../../core/ports/listen-address.ts'
import { adminResource } from '../../core/ports/public-address.ts'
import { durationMs } from '../../core/text/duration.ts'
import { forTerminal } from '../../core/text/terminal.ts'
import { callerMethods } from '../../gateway/identity/index.ts'
import type { Loaded } from '../configuration/load.ts'
import { type ExitCode, exit } from './exit.ts'
import { withIssuing } from './with-issuing.ts'

export interface MintOptions {
  readonly config?: string
  readonly json?: boolean
  readonly subject: string
  readonly mount?: string
  /** For the admin door. */
  readonly admin?: boolean
  readonly scope?: readonly string[]
  readonly group?: readonly string[]
  readonly client?: string
  readonly tenant?: string
  readonly run?: string
  readonly team?: string
  readonly ttl?: string
}

const defaultTtlMs = 300_000

export function tokenMint(options: MintOptions): Promise<ExitCode> {
  return withIssuing(options, async ({ platform }, loaded) => {
    const longest = loaded.settings.auth.platform?.ttl ?? defaultTtlMs
    const ttlMs = options.ttl === undefined ? longest : durationMs(options.ttl)
    const wrong = problem(options, loaded, ttlMs, longest)
    if (wrong !== undefined || ttlMs === undefined) {
      process.stderr.write(`${forTerminal(wrong ?? '')}\n`)
      return exit.usage
    }
    const {
      subject,
      admin,
      mount = admin === true ? adminResource : '',
      tenant,
      run,
      team,
      client: clientId,
      scope: scopes = [],
      group: groups = [],
    } = options
    const minted = await platform.mint({ subject, mount, tenant, clientId, scopes, groups, run, team, ttlMs })
    const expires = new Date(minted.expiresAt).toISOString()
    if (options.json === true) process.stdout.write(`${JSON.stringify({ token: minted.token, id: minted.id, expires })}\n`)
    else {
      process.stdout.write(`${minted.token}\n`)
      process.stderr.write(forTerminal(`Token ${minted.id} of ${subject}, until ${expires}.\n`))
      if (!callerMethods(loaded.settings.auth, loaded.settings.profile, false).includes('platform')) {
        process.stderr.write(forTerminal(`warning: ${loaded.source} takes no platform tokens; add \`platform\` to \`auth.callers\`.\n`))
      }
    }
    return exit.ok
  })
}

function problem(
  { mount, admin, run }: MintOptions,
  { settings, listen, source }: Loaded,
  ttlMs: number | undefined,
  longest: number,
): string | undefined {
  if (ttlMs === undefined || ttlMs < 1_000) return '--ttl is no duration of a second or more, such as 5m'
  if (ttlMs > longest) return `--ttl is longer than \`auth.platform.ttl\` of ${source} allows (${longest / 1_000} s)`
  if (mount !== undefined && admin === true) return '--mount and --admin: a token is good for one of them'
  if (mount !== undefined && settings.servers[mount] === undefined && settings.toolsets[mount] === undefined) {
    return `--mount: ${source} has no server or toolset ${JSON.stringify(mount)}`
  }
  if (run !== undefined && !isRunId(run)) return `--run is empty, longer than ${longestRunId} characters or not printable`
  if (settings.publicUrl === undefined && !isSocketFile(listen) && listen.port === 0) {
    return `${source} names no \`publicUrl\` and listens on any free port: nobody can say for which address the token is to be`
  }
  return undefined
}

export interface RevokeOptions {
  readonly config?: string
  readonly json?: boolean
  readonly id?: string
  readonly subject?: string
  readonly issuer?: string
  readonly client?: string
}

export function tokenRevoke({ id, subject, issuer, client, ...options }: RevokeOptions): Promise<ExitCode> {
  const named = (
    [
      ['token', id],
      ['subject', subject],
      ['client', client],
    ] as const
  ).filter(([, value]) => value !== undefined)
  const [only] = named
  if (only === undefined || named.length > 1 || (issuer !== undefined && subject === undefined)) {
    process.stderr.write('Say one of --id, --subject (with --issuer where several have the name) and --client\n')
    return Promise.resolve(exit.usage)
  }
  const [kind, value = ''] = only
  return withIssuing(options, async ({ revocations }) => {
    await revocations.add({ kind, value, issuer: issuer ?? '' })
    if (options.json === true) process.stdout.write(`${JSON.stringify({ kind, value, issuer: issuer ?? null })}\n`)
    else {
      const what = kind === 'token' ? `Token ${value} is` : `All tokens that the ${kind} ${value} has now are`
      process.stdout.write(forTerminal(`${what} revoked; gateways that run refuse them, and end what runs with them, within 5 seconds.\n`))
    }
    return exit.ok
  })
}
