// `signalbox ls`: what a running gateway serves, as a modern client sees it, and which of its servers do not serve all that they should, as
// its admin door knows.
import { isObject } from '../../core/protocol/is-object.ts'
import { metaKey } from '../../core/protocol/names.ts'
import { forTerminal, jsonForTerminal, onOneLine } from '../../core/text/terminal.ts'
import { readAdmin } from '../client/admin-client.ts'
import { authorizationFor } from '../client/authorization.ts'
import { ClientProblem, GatewayClient } from '../client/client.ts'
import { adminUrlBeside } from '../client/default-urls.ts'
import { socketIn } from '../client/socket-address.ts'
import { firstLine, styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface ListOptions {
  readonly url: string
  readonly token?: string
  readonly json?: boolean
  /** The admin door; where it is not named it is looked for where it stands by default, and done without. */
  readonly admin?: string
}

interface ServerState {
  readonly name: string
  readonly state: string
  readonly reason?: string
}

type Item = Record<string, unknown>

const kinds = [
  { title: 'Tools', capability: 'tools', method: 'tools/list', member: 'tools', key: 'name' },
  { title: 'Prompts', capability: 'prompts', method: 'prompts/list', member: 'prompts', key: 'name' },
  { title: 'Resources', capability: 'resources', method: 'resources/list', member: 'resources', key: 'uri' },
  {
    title: 'Resource templates',
    capability: 'resources',
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
  },
] as const

export async function ls(options: ListOptions): Promise<ExitCode> {
  try {
    const client = new GatewayClient(options.url, await authorizationFor(options.url, options.token))
    const discovered = (await client.ask('server/discover')).result.json() as Item
    const capabilities = (discovered.capabilities ?? {}) as Item
    const found: Record<string, Item[]> = {}
    for (const kind of kinds) {
      if (capabilities[kind.capability] !== undefined) found[kind.member] = await client.list(kind.method, kind.member)
    }
    const servers = await statesOf(options)
    process.stdout.write(
      options.json === true
        ? `${jsonForTerminal(JSON.stringify({ url: options.url, ...found, ...(servers === undefined ? {} : { servers }) }))}\n`
        : asText(options.url, discovered, found, servers ?? []),
    )
    return exit.ok
  } catch (thrown) {
    if (!(thrown instanceof ClientProblem)) throw thrown
    process.stderr.write(`${forTerminal(thrown.message)}\n`)
    return exit.failed
  }
}

/** Of the servers behind the endpoint; undefined where no admin door was named and none is at its usual place. */
async function statesOf({ url, admin = adminUrlBeside(url) }: ListOptions): Promise<readonly ServerState[] | undefined> {
  if (admin === undefined) return undefined
  const answer = await readAdmin(admin, '/admin/v1/upstreams', 'upstreams')
  if (typeof answer === 'string') {
    // At its usual place there may be nothing, or something else.
    if (admin === adminUrlBeside(url)) return undefined
    throw new ClientProblem(answer)
  }
  const all = answer.filter(isState).map(({ name, state, reason }) => ({ name, state, ...(reason === undefined ? {} : { reason }) }))
  const alone = /\/mcp\/([^/]+)$/.exec(socketIn(url)?.below ?? new URL(url).pathname)?.[1]
  return all.some(({ name }) => name === alone) ? all.filter(({ name }) => name === alone) : all
}

function isState(value: unknown): value is ServerState {
  return isObject(value) && typeof value.name === 'string' && typeof value.state === 'string' && typeof (value.reason ?? '') === 'string'
}

function asText(url: string, discovered: Item, found: Readonly<Record<string, Item[]>>, servers: readonly ServerState[]): string {
  const style = styleFor(process.stdout)
  const info = ((discovered._meta as Item | undefined)?.[metaKey.serverInfo] ?? {}) as Item
  const parts = [`${style.bold(onOneLine(`${info.name ?? 'server'} ${info.version ?? ''}`.trim()))} at ${url}`]
  for (const kind of kinds) {
    const items = found[kind.member] ?? []
    if (items.length === 0) continue
    const rows = items.map((item) => [
      firstLine(String(item[kind.key] ?? ''), 64),
      firstLine(String(item.description ?? item.title ?? ''), 88),
    ])
    parts.push(
      `${style.bold(`${kind.title} (${items.length})`)}\n${table(rows, (cell, _, column) => (column === 1 ? style.dim(cell) : cell))}`,
    )
  }
  if (parts.length === 1) parts.push('Nothing is served here at the moment.')
  const lacking = servers.filter(({ state }) => state !== 'ready')
  if (lacking.length > 0) {
    const rows = lacking.map(({ name, state, reason = 'no answer yet' }) => [name, state, onOneLine(reason).trim()])
    parts.push(
      `${style.bold(`Servers that are not ready (${rows.length})`)}\n${table(rows, (cell, _, column) => (column === 1 ? style.bad(cell) : cell))}`,
    )
  }
  return `${parts.join('\n\n')}\n`
}
