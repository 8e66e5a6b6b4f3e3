// `signalbox clients`: which clients a running gateway has seen, how they come in, and how far the move to the present transport has got.
import { request } from 'undici'
import { modernRevision } from '../../core/protocol/names.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { defaultAdminUrl } from './default-urls.ts'
import { type ExitCode, exit } from './exit.ts'
import { firstLine, type Style, styleFor, table } from './text.ts'
import { wholeBody } from './whole-body.ts'

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
  readonly owner: string
}

const largestAnswer = 4_194_304

export async function clients(options: ClientsOptions): Promise<ExitCode> {
  const found = await read(options.url)
  if (typeof found === 'string') {
    process.stderr.write(`${forTerminal(found)}\n`)
    return exit.failed
  }
  process.stdout.write(
    options.json === true
      ? `${jsonForTerminal(JSON.stringify({ ...progress(found), clients: found }))}\n`
      : `${asText(found, styleFor(process.stdout))}\n`,
  )
  return exit.ok
}

/** The clients, or what went wrong, for a person. */
async function read(url: string): Promise<readonly Seen[] | string> {
  if (!URL.canParse(url) || !/^https?:/.test(url)) return `${url} is no address; write it as ${defaultAdminUrl}`
  const address = new URL('/admin/v1/clients', url)
  try {
    const { statusCode, body } = await request(address, { headersTimeout: 5_000, bodyTimeout: 5_000 })
    const bytes = statusCode === 200 ? await wholeBody(body, largestAnswer) : undefined
    if (bytes === undefined) {
      if (statusCode !== 200) await body.dump()
      return `${address} answered with HTTP ${statusCode}${statusCode === 200 ? ` and more than ${largestAnswer} bytes` : ''}; is it the admin door of a gateway (\`admin.listen\`, by default ${defaultAdminUrl})?`
    }
    const answer: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const list = (answer as { readonly clients?: unknown } | null)?.clients
    return Array.isArray(list) ? (list as Seen[]) : `${address} answered, but with no list of clients; is it the admin door of a gateway?`
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    return `No gateway answers at ${address} (${reason}). Start it with \`signalbox up\`, or name it with --url.`
  }
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
    ['client', 'version', 'transport', 'revision', 'calls', 'last seen', 'owner'],
    ...found.map((client) => [
      firstLine(client.name, 40),
      firstLine(client.version, 16),
      transports[client.transport] ?? client.transport,
      client.revision,
      String(client.calls),
      client.lastSeen,
      client.owner,
    ]),
  ]
  return `${table(rows, (cell, row) => (row === 0 ? style.dim(cell) : cell))}\n${style.bold(status)}`
}
