// `signalbox clients`: which clients a running gateway has seen, how they come in, and how far the move to the present transport has got.
import { modernRevision } from '../../core/protocol/names.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { readAdmin } from '../client/admin-client.ts'
import { firstLine, type Style, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface ClientsOptions {
  readonly url: string
  readonly json?: boolean
}

interface Seen {
  readonly name: string
  readonly version: string
  readonly transport: string
  readonly revision: string
  readonly firstSeen: string
  readonly lastSeen: string
  readonly calls: number
  readonly sdk: string
  readonly sdkVersion: string
  readonly owner: string
}

export async function clients(options: ClientsOptions): Promise<ExitCode> {
  const answer = await readAdmin(options.url, '/admin/v1/clients', 'clients')
  if (typeof answer === 'string') {
    process.stderr.write(`${forTerminal(answer)}\n`)
    return exit.failed
  }
  const found = answer as readonly Seen[]
  process.stdout.write(
    options.json === true
      ? `${jsonForTerminal(JSON.stringify({ ...progress(found), clients: found }))}\n`
      : `${asText(found, styleFor(process.stdout))}\n`,
  )
  return exit.ok
}

/** A client is done when the way it came in last is the present one. */
export function progress(found: readonly Pick<Seen, 'name' | 'transport' | 'revision' | 'lastSeen'>[]): {
  readonly done: number
  readonly all: number
} {
  const latest = new Map<string, (typeof found)[number]>()
  for (const client of found) {
    const known = latest.get(client.name)
    if (known === undefined || known.lastSeen < client.lastSeen) latest.set(client.name, client)
  }
  const done = [...latest.values()].filter(({ transport, revision }) => transport === 'http' && revision === modernRevision)
  return { done: done.length, all: latest.size }
}

const transports: Readonly<Record<string, string>> = { http: 'Streamable HTTP', sse: 'HTTP+SSE (deprecated)', stdio: 'stdio' }

function asText(found: readonly Seen[], style: Style): string {
  const { done, all } = progress(found)
  const status = `${done} of ${all} on ${modernRevision} Streamable HTTP`
  if (found.length === 0) return `No client was seen yet.\n${status}`
  const rows = [
    ['client', 'version', 'sdk', 'transport', 'revision', 'calls', 'last seen', 'owner'],
    ...found.map((client) => [
      firstLine(client.name, 40),
      firstLine(client.version, 16),
      firstLine(client.sdkVersion === 'unknown' ? client.sdk : `${client.sdk} ${client.sdkVersion}`, 32),
      transports[client.transport] ?? client.transport,
      client.revision,
      String(client.calls),
      client.lastSeen,
      firstLine(client.owner, 32),
    ]),
  ]
  return `${table(rows, (cell, row) => (row === 0 ? style.dim(cell) : cell))}\n${style.bold(status)}`
}
