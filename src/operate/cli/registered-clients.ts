// `signalbox clients list` and `clients remove`: the clients of the embedded authorization server, in the store of a gateway, whether it runs or
// not. Those that a running gateway has seen are another list (`signalbox clients`).
import type { ListedClient } from '../../authorization-server/index.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { firstLine, table } from '../text.ts'
import { noteTakenBack } from './consents.ts'
import { type ExitCode, exit } from './exit.ts'
import { withGranting } from './with-granting.ts'

export interface RegisteredClientsOptions {
  readonly config?: string
  readonly json?: boolean
}

export function clientsList(options: RegisteredClientsOptions): Promise<ExitCode> {
  return withGranting(options, async ({ oversight }) => {
    const found = await oversight.clients()
    if (options.json === true) process.stdout.write(`${jsonForTerminal(JSON.stringify({ clients: found.map(shown) }))}\n`)
    else process.stdout.write(found.length === 0 ? 'There are no clients.\n' : `${clientsTable(found)}\n`)
    return exit.ok
  })
}

export function clientsRemove(id: string, options: RegisteredClientsOptions): Promise<ExitCode> {
  return withGranting(options, async (granting) => {
    const { found, consents, grants } = await granting.oversight.remove(id)
    if (found) {
      // What it has in hand is worth nothing either.
      await granting.revocations.add({ kind: 'client', value: id, issuer: '' })
      noteTakenBack(granting, consents, systemClock.now())
    }
    if (options.json === true) process.stdout.write(`${JSON.stringify({ id, removed: found, consents: consents.length, grants })}\n`)
    else if (found) process.stdout.write(forTerminal(`Client ${id} is forgotten; gateways that run refuse its tokens within 5 seconds.\n`))
    else process.stderr.write(forTerminal(`There is no client ${id}; \`signalbox clients list\` shows them.\n`))
    return found ? exit.ok : exit.failed
  })
}

function shown({ clientId, kind, name, redirectUris, registeredMs, usedMs, people }: ListedClient): Record<string, unknown> {
  return { id: clientId, kind, name: name ?? null, redirectUris, registered: time(registeredMs), used: time(usedMs), people }
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

function clientsTable(clients: readonly ListedClient[]): string {
  const rows = clients.map(({ clientId, kind, name = '', redirectUris, registeredMs, usedMs, people }) => [
    clientId,
    kind === 'registered' ? firstLine(name, 40) : '(metadata document)',
    redirectUris.join(' '),
    time(registeredMs) ?? '',
    time(usedMs) ?? 'never',
    String(people),
  ])
  return table([['id', 'name', 'answers go to', 'registered', 'last token', 'people'], ...rows].map((row) => row.map(forTerminal)))
}
